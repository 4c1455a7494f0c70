use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenancy_core::{TenantId, TenantScope};

use super::CacheBuilder;
use super::shelf::Shelf;
use super::store::Store;
use crate::CacheError;

/// Tenants' values in this process's memory. See the [module](super).
///
/// Cheap to clone; all clones are one.
pub struct TenantCache<V> {
    inner: Arc<Inner<V>>,
}

struct Inner<V> {
    store: Store<V>,
    /// One for each tenant that had a scope here since it was last evicted.
    shelves: Mutex<HashMap<TenantId, Arc<Shelf>>>,
}

impl<V: Clone + Send + Sync + 'static> TenantCache<V> {
    /// Says how much is kept, and for how long.
    pub fn builder() -> CacheBuilder<V> {
        CacheBuilder::default()
    }

    pub(super) fn over(store: Store<V>) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                shelves: Mutex::default(),
            }),
        }
    }

    /// What this tenant has under `key`.
    ///
    /// # Errors
    /// [`CacheError::Scope`] where the scope may not be used.
    pub async fn get(
        &self,
        scope: &TenantScope,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<V>, CacheError> {
        let shelf = self.shelf(scope)?;
        Ok(self.inner.store.get(shelf, key.as_ref()).await)
    }

    /// Puts `value` in, in place of what this tenant had under `key`. Where it is more than the
    /// tenant's share alone, nothing is there afterwards.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn insert(
        &self,
        scope: &TenantScope,
        key: impl AsRef<[u8]> + Send,
        value: V,
    ) -> Result<(), CacheError> {
        let shelf = self.shelf(scope)?;
        self.inner.store.insert(shelf, key.as_ref(), value).await;
        Ok(())
    }

    /// What this tenant has under `key`, or else what `load` answers with, which is put in.
    ///
    /// Callers for one key of one tenant at one moment share one load; it runs in the task of one of
    /// them, and where that one is dropped, another one's runs. A load that fails fails for its own
    /// caller, and the others run theirs. What was loaded when the tenant was cleared meanwhile is
    /// answered with, and not kept.
    ///
    /// # Errors
    /// What `load` says, and [`CacheError::Scope`] where the scope may not be used; then `load` is
    /// not run.
    pub async fn get_with<E: From<CacheError>>(
        &self,
        scope: &TenantScope,
        key: impl AsRef<[u8]> + Send,
        load: impl Future<Output = Result<V, E>> + Send,
    ) -> Result<V, E> {
        let shelf = self.shelf(scope)?;
        self.inner.store.get_with(shelf, key.as_ref(), load).await
    }

    /// Takes out what this tenant has under `key`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn remove(
        &self,
        scope: &TenantScope,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<(), CacheError> {
        let shelf = self.shelf(scope)?;
        self.inner.store.remove(shelf, key.as_ref()).await;
        Ok(())
    }

    /// Takes out all that this tenant has, at once, also what is being loaded now.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn clear(&self, scope: &TenantScope) -> Result<(), CacheError> {
        scope.ensure_usable()?;
        self.evict(scope.tenant_id());
        Ok(())
    }

    /// The same for a tenant whose right may have ended, and who so has no scope: for
    /// [`Tenancy::on_withdrawn`](tenancy_core::Tenancy::on_withdrawn).
    pub fn evict(&self, tenant: &TenantId) {
        let shelf = self.shelves().remove(tenant);
        if let Some(shelf) = shelf {
            self.inner.store.clear(&shelf);
        }
    }

    /// The same for all tenants.
    pub fn evict_all(&self) {
        let shelves = std::mem::take(&mut *self.shelves());
        for shelf in shelves.values() {
            self.inner.store.clear(shelf);
        }
    }

    /// The weight of all that is kept now, of all tenants together.
    pub async fn weight(&self) -> u64 {
        self.inner.store.weight().await
    }

    /// The only way to a shelf.
    fn shelf(&self, scope: &TenantScope) -> Result<Arc<Shelf>, CacheError> {
        scope.ensure_usable()?;
        let mut shelves = self.shelves();
        if let Some(shelf) = shelves.get(scope.tenant_id()) {
            return Ok(Arc::clone(shelf));
        }
        let shelf = self.inner.store.shelf();
        shelves.insert(scope.tenant_id().clone(), Arc::clone(&shelf));
        Ok(shelf)
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Shelf>>> {
        // Nothing panics while it holds the lock.
        let shelves = self.inner.shelves.lock();
        shelves.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Clone for TenantCache<V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<V> fmt::Debug for TenantCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantCache").finish_non_exhaustive()
    }
}
