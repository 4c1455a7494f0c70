use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenancy_core::{TenantId, TenantScope};

use super::CacheBuilder;
use super::drawer::Drawer;
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
    drawers: Mutex<HashMap<TenantId, Arc<Drawer>>>,
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
                drawers: Mutex::default(),
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
        let drawer = self.drawer(scope)?;
        Ok(self.inner.store.get(drawer, key.as_ref()).await)
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
        let drawer = self.drawer(scope)?;
        self.inner.store.insert(drawer, key.as_ref(), value).await;
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
        let drawer = self.drawer(scope)?;
        self.inner.store.get_with(drawer, key.as_ref(), load).await
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
        let drawer = self.drawer(scope)?;
        self.inner.store.remove(drawer, key.as_ref()).await;
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
        let drawer = self.drawers().remove(tenant);
        if let Some(drawer) = drawer {
            self.inner.store.clear(&drawer);
        }
    }

    /// The same for all tenants.
    pub fn evict_all(&self) {
        let drawers = std::mem::take(&mut *self.drawers());
        for drawer in drawers.values() {
            self.inner.store.clear(drawer);
        }
    }

    /// The weight of all that is kept now, of all tenants together.
    pub async fn weight(&self) -> u64 {
        self.inner.store.weight().await
    }

    /// The only way to a drawer.
    fn drawer(&self, scope: &TenantScope) -> Result<Arc<Drawer>, CacheError> {
        scope.ensure_usable()?;
        let mut drawers = self.drawers();
        if let Some(drawer) = drawers.get(scope.tenant_id()) {
            return Ok(Arc::clone(drawer));
        }
        let drawer = self.inner.store.drawer();
        drawers.insert(scope.tenant_id().clone(), Arc::clone(&drawer));
        Ok(drawer)
    }

    fn drawers(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Drawer>>> {
        // Nothing panics while it holds the lock.
        let drawers = self.inner.drawers.lock();
        drawers.unwrap_or_else(PoisonError::into_inner)
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
