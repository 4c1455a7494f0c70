//! Checks a store's answer before anyone believes it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::scope::Ambient;
use crate::{
    BoxError, Domain, StoreError, Tenant, TenantId, TenantRecord, TenantStatus, TenantStore,
};

/// Any store, hardened.
pub(crate) type DynStore = Box<dyn HardenedStore>;

pub(crate) fn hardened(store: impl TenantStore) -> DynStore {
    Box::new(store)
}

/// A tenant that has been checked, and the domains it lists. A copy takes as long whatever is in it,
/// and hardly longer than none: the time would tell which tenants there are.
#[derive(Clone)]
pub(crate) struct Known {
    pub(super) tenant: Arc<Tenant>,
    domains: Arc<[Domain]>,
}

impl Known {
    pub(super) fn lists(&self, domain: &Domain) -> bool {
        self.domains.contains(domain)
    }
}

type Answer<'a> = BoxFuture<'a, Result<Option<Known>, StoreError>>;

/// A user's store whose type is forgotten and whose answers are checked.
pub(crate) trait HardenedStore: Send + Sync {
    fn by_id<'a>(&'a self, id: &'a TenantId) -> Answer<'a>;
    fn by_domain<'a>(&'a self, domain: &'a Domain) -> Answer<'a>;
}

impl<S: TenantStore> HardenedStore for S {
    fn by_id<'a>(&'a self, id: &'a TenantId) -> Answer<'a> {
        let asked = async move {
            let known = only_one(
                contained(async move { self.find(id).await }).await?,
                |record| record.id == id.as_str(),
            );
            known?.map(check).transpose()
        };
        asked.boxed()
    }

    fn by_domain<'a>(&'a self, domain: &'a Domain) -> Answer<'a> {
        let asked = async move {
            let records = contained(async move { self.find_by_domain(domain).await }).await?;
            // Text alone: whether the list is well formed is for `check` to say.
            let lists = |record: &TenantRecord| {
                record
                    .domains
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(domain.as_str()))
            };
            let known = only_one(records, lists)?.map(check).transpose()?;
            match known {
                Some(known) if !known.lists(domain) => Err(StoreError::WrongTenant),
                known => Ok(known),
            }
        };
        asked.boxed()
    }
}

/// The store's own answer: outside every scope, since it is shared among all who ask, and with a
/// panic turned into an error.
async fn contained(
    asked: impl Future<Output = Result<Vec<TenantRecord>, BoxError>> + Send,
) -> Result<Vec<TenantRecord>, StoreError> {
    match AssertUnwindSafe(Ambient::around(None, asked))
        .catch_unwind()
        .await
    {
        Ok(Ok(records)) => Ok(records),
        Ok(Err(error)) => Err(StoreError::unavailable(error)),
        Err(_) => Err(StoreError::Panicked),
    }
}

fn only_one(
    records: Vec<TenantRecord>,
    asked_for: impl Fn(&TenantRecord) -> bool,
) -> Result<Option<TenantRecord>, StoreError> {
    if !records.iter().all(asked_for) {
        return Err(StoreError::WrongTenant);
    }
    let mut records = records.into_iter();
    let first = records.next();
    if records.next().is_some() {
        Err(StoreError::Duplicate)
    } else {
        Ok(first)
    }
}

fn check(record: TenantRecord) -> Result<Known, StoreError> {
    let malformed = |what| StoreError::Malformed { what };
    let TenantRecord {
        id,
        status,
        availability,
        domains,
        metadata,
        placement,
    } = record;
    let id = TenantId::new(id).map_err(|_| malformed("id"))?;
    let status = TenantStatus::parse(&status).ok_or(malformed("status"))?;
    if !placement.is_coherent() {
        return Err(malformed("placement"));
    }
    let domains = domains
        .into_iter()
        // A name that is not in its canonical form would be found by one look-up and not by
        // another.
        .map(|text| {
            Domain::new(&text)
                .ok()
                .filter(|domain| domain.as_str() == text)
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(malformed("list of domains"))?;
    let tenant = Tenant::new(id)
        .with_status(status)
        .with_availability(availability)
        .with_placement(placement)
        .with_raw_metadata(metadata);
    Ok(Known {
        tenant: Arc::new(tenant),
        domains: domains.into(),
    })
}
