//! Who is told when what is known of a tenant holds no more.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use crate::{Tenancy, TenantId};

/// Whose right may have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Withdrawn<'a> {
    /// This tenant's: its record was invalidated, or was found to be gone, not active or in
    /// maintenance.
    Tenant(&'a TenantId),
    /// Anyone's: everything that was known is forgotten.
    All,
}

type Told = dyn Fn(Withdrawn<'_>) + Send + Sync;

/// Those who are told.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<RwLock<Vec<Arc<Told>>>>);

impl Watch {
    pub(crate) fn tell(&self, withdrawn: Withdrawn<'_>) {
        let told = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for told in told {
            if catch_unwind(AssertUnwindSafe(|| told(withdrawn))).is_err() {
                tracing::error!("what was to be told of a withdrawn tenant panicked");
            }
        }
    }

    fn add(&self, told: Arc<Told>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.push(told);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Tenancy {
    /// Has `told` called when a tenant's right may have ended: it was
    /// [invalidated](Self::invalidate), or the store was asked and has it no longer, or not as
    /// active, or in maintenance. For emptying what is kept ready for it, such as a pool's shelf. It must not block; a
    /// panic in it is logged and goes no further.
    ///
    /// ```
    /// use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId, Withdrawn};
    ///
    /// # fn evict(_: &TenantId) {}
    /// # fn evict_all() {}
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let acme = TenantId::new("acme")?;
    /// let store = MemoryStore::new([Tenant::new(acme.clone())]);
    /// let tenancy = Tenancy::builder(store).without_requests().build();
    /// tenancy.on_withdrawn(|withdrawn| match withdrawn {
    ///     Withdrawn::Tenant(tenant) => evict(tenant), // such as `db.evict(tenant)`
    ///     _ => evict_all(),
    /// });
    /// tenancy.invalidate(&acme);
    /// # Ok(()) }
    /// ```
    pub fn on_withdrawn(&self, told: impl Fn(Withdrawn<'_>) + Send + Sync + 'static) {
        self.inner.directory.watch().add(Arc::new(told));
    }
}
