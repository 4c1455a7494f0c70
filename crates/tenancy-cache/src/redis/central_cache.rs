use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use ::redis::aio::{ConnectionLike, ConnectionManager};
use tenancy_core::{CentralScope, KeySpace};

use super::remote::{Found, Remote};
use super::{CacheBuilder, CacheValue};
use crate::CacheError;

/// Values of central work in Redis, which no tenant's scope reaches: the sibling of
/// [`TenantCache`](super::TenantCache), with the same verbs and the same errors.
///
/// Cheap to clone; all clones are one.
pub struct CentralCache<V, C = ConnectionManager> {
    remote: Arc<Remote<C>>,
    values: PhantomData<fn() -> V>,
}

impl<V: CacheValue> CentralCache<V> {
    /// Starts with the cache's name; it ends with
    /// [`connect_central`](CacheBuilder::connect_central) or
    /// [`over_central`](CacheBuilder::over_central).
    pub fn builder(name: &str) -> CacheBuilder<V> {
        CacheBuilder::new(name)
    }
}

impl<V, C> CentralCache<V, C>
where
    V: CacheValue,
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    pub(super) fn new(remote: Remote<C>) -> Self {
        Self {
            remote: Arc::new(remote),
            values: PhantomData,
        }
    }

    /// What is there under `key`.
    ///
    /// # Errors
    /// As [`TenantCache::get`](super::TenantCache::get).
    pub async fn get(
        &self,
        scope: &CentralScope,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<V>, CacheError> {
        self.remote
            .get(KeySpace::of_central(scope)?, key.as_ref())
            .await
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
        let space = KeySpace::of_central(scope)?;
        self.remote.put(space, key.as_ref(), &value).await
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
        let key = key.as_ref();
        let space = KeySpace::of_central(scope).map_err(CacheError::from)?;
        let mark = match self.remote.open(space, key).await {
            Ok(Found::Value(value)) => return Ok(value),
            Ok(Found::Nothing(mark)) => mark,
            Err(error) => {
                tracing::warn!(%error, "a value was loaded past its cache");
                return load.await;
            }
        };
        let value = load.await?;
        if let Ok(space) = KeySpace::of_central(scope)
            && let Err(error) = self.remote.keep(space, key, &mark, &value).await
        {
            tracing::warn!(%error, "a value was not kept in its cache");
        }
        Ok(value)
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
        let space = KeySpace::of_central(scope)?;
        self.remote.remove(space, key.as_ref()).await
    }

    /// Takes everything out, in one step and for every process.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn clear(&self, scope: &CentralScope) -> Result<(), CacheError> {
        self.remote.clear(KeySpace::of_central(scope)?).await
    }
}

impl<V, C> Clone for CentralCache<V, C> {
    fn clone(&self) -> Self {
        Self {
            remote: Arc::clone(&self.remote),
            values: PhantomData,
        }
    }
}

impl<V, C> fmt::Debug for CentralCache<V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentralCache")
            .field("name", &self.remote.name)
            .finish_non_exhaustive()
    }
}
