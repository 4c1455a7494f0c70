//! Credentials that a test changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tenancy_core::{BoxError, Tenant, TenantId};
use tenancy_postgres_pool::{Credential, CredentialProvider};

use crate::World;

/// What tenants log in with.
#[derive(Clone)]
pub(crate) struct Safe(Arc<Mutex<HashMap<TenantId, Credential>>>);

impl Safe {
    pub(crate) fn empty() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn of(world: &World<'_>) -> Self {
        let known = world.credentials();
        let of = |id: &TenantId| Some((id.clone(), known(&Tenant::new(id.clone())).ok()?));
        let known = world.tenants().into_iter().filter_map(of).collect();
        Self(Arc::new(Mutex::new(known)))
    }

    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Credential {
        self.find(tenant).unwrap()
    }

    /// `None` for one without a login of its own.
    pub(crate) fn find(&self, tenant: &TenantId) -> Option<Credential> {
        self.0.lock().unwrap().get(tenant).cloned()
    }

    pub(crate) fn put(&self, tenant: &TenantId, credential: Credential) {
        self.0.lock().unwrap().insert(tenant.clone(), credential);
    }

    pub(crate) fn provider(&self) -> impl CredentialProvider {
        let safe = self.clone();
        move |tenant: &Tenant| -> Result<Credential, BoxError> {
            let known = safe.find(tenant.id());
            known.ok_or_else(|| "the safe has nothing for it".into())
        }
    }
}
