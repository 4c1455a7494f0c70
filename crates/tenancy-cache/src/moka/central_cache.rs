use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tenancy_core::CentralScope;

use super::CacheBuilder;
use super::drawer::Drawer;
use super::store::Store;
use crate::CacheError;

/// Values of central work in this process's memory, which no tenant's scope reaches: the sibling of
/// [`TenantCache`](super::TenantCache), with the same verbs.
///
/// Cheap to clone; all clones are one.
pub struct CentralCache<V> {
    inner: Arc<Inner<V>>,
}

struct Inner<V> {
    store: Store<V>,
    drawer: Mutex<Arc<Drawer>>,
}

impl<V: Clone + Send + Sync + 'static> CentralCache<V> {
    /// Says how much is kept, and for how long; it ends with
    /// [`build_central`](CacheBuilder::build_central).
    pub fn builder() -> CacheBuilder<V> {
        CacheBuilder::default()
    }

    pub(super) fn over(store: Store<V>) -> Self {
        let drawer = Mutex::new(store.drawer());
        Self {
            inner: Arc::new(Inner { store, drawer }),
        }
    }

    /// What is there under `key`.
    ///
    /// # Errors
    /// [`CacheError::Scope`] where the scope may not be used.
    pub async fn get(
        &self,
        scope: &CentralScope,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<V>, CacheError> {
        let drawer = self.drawer(scope)?;
        Ok(self.inner.store.get(drawer, key.as_ref()).await)
    }

    /// Puts `value` in, in place of what was there under `key`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn insert(
        &self,
        scope: &CentralScope,
        key: impl AsRef<[u8]> + Send,
        value: V,
    ) -> Result<(), CacheError> {
        let drawer = self.drawer(scope)?;
        self.inner.store.insert(drawer, key.as_ref(), value).await;
        Ok(())
    }

    /// What is there under `key`, or else what `load` answers with, which is put in: as
    /// [`TenantCache::get_with`](super::TenantCache::get_with).
    ///
    /// # Errors
    /// What `load` says, and [`CacheError::Scope`] where the scope may not be used.
    pub async fn get_with<E: From<CacheError>>(
        &self,
        scope: &CentralScope,
        key: impl AsRef<[u8]> + Send,
        load: impl Future<Output = Result<V, E>> + Send,
    ) -> Result<V, E> {
        let drawer = self.drawer(scope)?;
        self.inner.store.get_with(drawer, key.as_ref(), load).await
    }

    /// Takes out what is there under `key`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn remove(
        &self,
        scope: &CentralScope,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<(), CacheError> {
        let drawer = self.drawer(scope)?;
        self.inner.store.remove(drawer, key.as_ref()).await;
        Ok(())
    }

    /// Takes everything out, at once, also what is being loaded now.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn clear(&self, scope: &CentralScope) -> Result<(), CacheError> {
        scope.ensure_usable()?;
        let fresh = self.inner.store.drawer();
        let mut drawer = self
            .inner
            .drawer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *drawer, fresh);
        drop(drawer);
        self.inner.store.clear(&old);
        Ok(())
    }

    fn drawer(&self, scope: &CentralScope) -> Result<Arc<Drawer>, CacheError> {
        scope.ensure_usable()?;
        let drawer = self
            .inner
            .drawer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(&drawer))
    }
}

impl<V> Clone for CentralCache<V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<V> fmt::Debug for CentralCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentralCache").finish_non_exhaustive()
    }
}
