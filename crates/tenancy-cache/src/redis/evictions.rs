//! Which tenants were evicted here, where the server may not know of it yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tenancy_core::TenantId;

/// The tenants that had a scope here. Others are asked for by anybody who makes an id up, and are
/// not remembered.
#[derive(Default)]
pub(super) struct Evictions(Mutex<HashMap<TenantId, State>>);

#[derive(Clone, Copy, Default)]
struct State {
    /// How often it was evicted.
    evicted: u64,
    /// How many of these the server has carried out.
    landed: u64,
}

impl Evictions {
    /// Notes down an eviction. `false` for a tenant that nobody had a scope of here.
    pub(super) fn add(&self, tenant: &TenantId) -> bool {
        let mut all = self.lock();
        let Some(state) = all.get_mut(tenant) else {
            return false;
        };
        state.evicted += 1;
        true
    }

    /// The eviction that has to land before this tenant may read.
    pub(super) fn pending(&self, tenant: &TenantId) -> Option<u64> {
        let mut all = self.lock();
        let Some(state) = all.get(tenant) else {
            all.insert(tenant.clone(), State::default());
            return None;
        };
        (state.landed < state.evicted).then_some(state.evicted)
    }

    /// The server has carried out this one, and so those before it.
    pub(super) fn landed(&self, tenant: &TenantId, eviction: u64) {
        if let Some(state) = self.lock().get_mut(tenant) {
            state.landed = state.landed.max(eviction);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, State>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
