//! Requests and stores that do as they are told.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tenancy_core::{
    Availability, BoxError, Domain, Error, MemoryStore, Placement, RequestView, Tenancy, Tenant,
    TenantId, TenantRecord, TenantScope, TenantStore,
};
use tokio::sync::Semaphore;

pub(crate) fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

pub(crate) fn domain(text: &str) -> Domain {
    Domain::new(text).unwrap()
}

pub(crate) fn tenant(text: &str) -> Tenant {
    Tenant::new(id(text))
}

pub(crate) fn record(id: &str, domains: &[&str]) -> TenantRecord {
    TenantRecord {
        id: id.into(),
        status: "active".into(),
        availability: Availability::Open,
        domains: domains.iter().map(|&name| name.into()).collect(),
        metadata: serde_json::Value::Null,
        placement: Placement::shared(),
    }
}

/// Opens a scope and closes it.
pub(crate) async fn visit(tenancy: &Tenancy, tenant: &str) -> Result<(), Error> {
    tenancy
        .run(tenant, async |_: &TenantScope| -> Result<(), Error> {
            Ok(())
        })
        .await
}

/// A request made by hand.
#[derive(Default)]
pub(crate) struct Fake {
    headers: Vec<(String, Vec<u8>)>,
    authority: Option<String>,
    path: String,
    claims: Vec<(String, String)>,
    principal: Option<Box<dyn Any + Send + Sync>>,
    only_reads: bool,
}

impl Fake {
    pub(crate) fn path(path: &str) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    pub(crate) fn host(host: impl AsRef<[u8]>) -> Self {
        Self::path("/").header("host", host)
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    pub(crate) fn authority(mut self, authority: &str) -> Self {
        self.authority = Some(authority.into());
        self
    }

    pub(crate) fn claim(mut self, name: &str, value: &str) -> Self {
        self.claims.push((name.into(), value.into()));
        self
    }

    pub(crate) fn only_reading(mut self) -> Self {
        self.only_reads = true;
        self
    }

    pub(crate) fn principal(mut self, principal: impl Any + Send + Sync) -> Self {
        self.principal = Some(Box::new(principal));
        self
    }
}

impl RequestView for Fake {
    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        assert_eq!(
            name,
            name.to_ascii_lowercase(),
            "names are asked for in lower case"
        );
        let same = self.headers.iter().filter(|(own, _)| own == name);
        same.map(|(_, value)| value.as_slice()).collect()
    }

    fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn claim(&self, name: &str) -> Option<&str> {
        self.claims
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    fn only_reads(&self) -> bool {
        self.only_reads
    }

    fn principal(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.principal.as_deref()
    }
}

/// Counts what is asked, and holds answers back while its door is shut. The answer is read first
/// and held back then, so that it can be out of date when it comes.
#[derive(Clone)]
pub(crate) struct Watched(Arc<Inner>);

struct Inner {
    tenants: MemoryStore,
    by_id: AtomicUsize,
    by_domain: AtomicUsize,
    failing: AtomicBool,
    door: Semaphore,
    last_id: Mutex<Option<TenantId>>,
}

const OPEN: usize = Semaphore::MAX_PERMITS >> 1;

impl Watched {
    pub(crate) fn new(tenants: &MemoryStore) -> Self {
        let this = Self::shut(tenants);
        this.open_door();
        this
    }

    pub(crate) fn shut(tenants: &MemoryStore) -> Self {
        Self(Arc::new(Inner {
            tenants: tenants.clone(),
            by_id: AtomicUsize::new(0),
            by_domain: AtomicUsize::new(0),
            failing: AtomicBool::new(false),
            door: Semaphore::new(0),
            last_id: Mutex::new(None),
        }))
    }

    pub(crate) fn open_door(&self) {
        self.0.door.add_permits(OPEN);
    }

    /// Lets `count` answers pass.
    pub(crate) fn let_pass(&self, count: usize) {
        self.0.door.add_permits(count);
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    pub(crate) fn by_id(&self) -> usize {
        self.0.by_id.load(Ordering::SeqCst)
    }

    pub(crate) fn by_domain(&self) -> usize {
        self.0.by_domain.load(Ordering::SeqCst)
    }

    pub(crate) fn last_id(&self) -> Option<TenantId> {
        self.0.last_id.lock().unwrap().clone()
    }

    async fn answer(&self, records: Vec<TenantRecord>) -> Result<Vec<TenantRecord>, BoxError> {
        let failing = self.0.failing.load(Ordering::SeqCst);
        self.0.door.acquire().await?.forget();
        if failing {
            Err("the disk is on fire".into())
        } else {
            Ok(records)
        }
    }
}

impl TenantStore for Watched {
    async fn find(&self, id: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
        self.0.by_id.fetch_add(1, Ordering::SeqCst);
        *self.0.last_id.lock().unwrap() = Some(id.clone());
        self.answer(self.0.tenants.find(id).await?).await
    }

    async fn find_by_domain(&self, domain: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        self.0.by_domain.fetch_add(1, Ordering::SeqCst);
        self.answer(self.0.tenants.find_by_domain(domain).await?)
            .await
    }
}

/// Answers with what it is told, whatever the question.
#[derive(Clone, Default)]
pub(crate) struct Puppet {
    pub(crate) by_id: Vec<TenantRecord>,
    pub(crate) by_domain: Vec<TenantRecord>,
}

impl TenantStore for Puppet {
    async fn find(&self, _: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
        Ok(self.by_id.clone())
    }

    async fn find_by_domain(&self, _: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        Ok(self.by_domain.clone())
    }
}
