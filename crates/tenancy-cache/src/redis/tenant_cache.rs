use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use ::redis::aio::{ConnectionLike, ConnectionManager};
use tenancy_core::{KeySpace, TenantId, TenantScope};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::evictions::Evictions;
use super::remote::{Found, Remote};
use super::{CacheBuilder, CacheValue};
use crate::CacheError;

/// How many evictions are on their way at one moment. What is more waits for its tenant's next
/// verb, for anybody can make ids up that are told as withdrawn.
const ON_THE_WAY: usize = 16;

/// Tenants' values in Redis. See the [module](super).
///
/// Cheap to clone; all clones are one.
pub struct TenantCache<V, C = ConnectionManager> {
    inner: Arc<Inner<C>>,
    values: PhantomData<fn() -> V>,
}

struct Inner<C> {
    remote: Remote<C>,
    evictions: Evictions,
    on_the_way: Arc<Semaphore>,
    runtime: Option<Handle>,
}

impl<V: CacheValue> TenantCache<V> {
    /// Starts with the cache's name, which stands in front of its keys and tells it from others on
    /// the same server: 1 to 63 characters of `a-z 0-9 - _`.
    pub fn builder(name: &str) -> CacheBuilder<V> {
        CacheBuilder::new(name)
    }
}

impl<V, C> TenantCache<V, C>
where
    V: CacheValue,
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    pub(super) fn new(remote: Remote<C>) -> Self {
        Self {
            inner: Arc::new(Inner {
                remote,
                evictions: Evictions::default(),
                on_the_way: Arc::new(Semaphore::new(ON_THE_WAY)),
                runtime: Handle::try_current().ok(),
            }),
            values: PhantomData,
        }
    }

    /// What this tenant has under `key`. One round trip.
    ///
    /// # Errors
    /// [`CacheError::Scope`] where the scope may not be used; [`CacheError::Unanswered`],
    /// [`CacheError::Refused`] or [`CacheError::Foreign`] from the server; [`CacheError::Value`] where
    /// the value is not of this type.
    pub async fn get(
        &self,
        scope: &TenantScope,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<V>, CacheError> {
        let space = self.inner.enter(scope).await?;
        self.inner.remote.get(space, key.as_ref()).await
    }

    /// Puts `value` in, in place of what this tenant had under `key`. One round trip.
    ///
    /// # Errors
    /// As [`get`](Self::get). After [`CacheError::Unanswered`] the value may be there, or not.
    pub async fn insert(
        &self,
        scope: &TenantScope,
        key: impl AsRef<[u8]> + Send,
        value: V,
    ) -> Result<(), CacheError> {
        let space = self.inner.enter(scope).await?;
        self.inner.remote.put(space, key.as_ref(), &value).await
    }

    /// What this tenant has under `key`, or else what `load` answers with, which is put in. One round
    /// trip for what is there, two for what is not.
    ///
    /// Where Redis fails, or has a value that can't be read, `load` runs all the same: a cache that
    /// is away slows down, and no more. Callers at one moment each run theirs. What was loaded when
    /// the tenant was cleared meanwhile is answered with, and not kept.
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
        let key = key.as_ref();
        let found = match self.inner.enter(scope).await {
            Ok(space) => self.inner.remote.open(space, key).await,
            Err(error) => Err(error),
        };
        let mark = match found {
            Ok(Found::Value(value)) => return Ok(value),
            Ok(Found::Nothing(mark)) => mark,
            Err(error @ CacheError::Scope(_)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "a value was loaded past its cache");
                return load.await;
            }
        };
        let value = load.await?;
        // Whoever has loaded for so long that the scope is over has its value, and keeps it for
        // nobody.
        if let Ok(space) = KeySpace::of(scope)
            && let Err(error) = self.inner.remote.keep(space, key, &mark, &value).await
        {
            tracing::warn!(%error, "a value was not kept in its cache");
        }
        Ok(value)
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
        let space = self.inner.enter(scope).await?;
        self.inner.remote.remove(space, key.as_ref()).await
    }

    /// Takes out all that this tenant has, in one step and for every process, also what is being
    /// loaded now. Its bytes stay in Redis, where nobody can read them with a scope, for the time to
    /// live at most.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn clear(&self, scope: &TenantScope) -> Result<(), CacheError> {
        let space = self.inner.enter(scope).await?;
        self.inner.remote.clear(space).await
    }

    /// The same for a tenant whose right may have ended, and who so has no scope: for
    /// [`Tenancy::on_withdrawn`](tenancy_core::Tenancy::on_withdrawn). It doesn't wait for Redis. What
    /// this process served the tenant with is not served again, also where Redis is away now: then
    /// the eviction comes before the tenant's next verb, or that one fails.
    pub fn evict(&self, tenant: &TenantId) {
        let known = self.inner.evictions.add(tenant);
        let runtime = self
            .inner
            .runtime
            .clone()
            .or_else(|| Handle::try_current().ok());
        let permit = Arc::clone(&self.inner.on_the_way).try_acquire_owned();
        let (Some(runtime), Ok(permit)) = (runtime, permit) else {
            return;
        };
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        runtime.spawn(async move {
            let _permit = permit;
            let landed = if known {
                inner.settle(&tenant).await
            } else {
                inner.remote.clear(KeySpace::to_remove(&tenant)).await
            };
            if let Err(error) = landed {
                tracing::warn!(%error, "a withdrawn tenant's cached values could not be cleared yet");
            }
        });
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Inner<C> {
    /// The only way to a key: the scope is asked first, in the caller's task.
    async fn enter<'s>(&self, scope: &'s TenantScope) -> Result<KeySpace<'s>, CacheError> {
        let space = KeySpace::of(scope)?;
        self.settle(scope.tenant_id()).await?;
        Ok(space)
    }

    /// Waits until the server has carried out what was evicted here.
    async fn settle(&self, tenant: &TenantId) -> Result<(), CacheError> {
        if let Some(eviction) = self.evictions.pending(tenant) {
            self.remote.clear(KeySpace::to_remove(tenant)).await?;
            self.evictions.landed(tenant, eviction);
        }
        Ok(())
    }
}

impl<V, C> Clone for TenantCache<V, C> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            values: PhantomData,
        }
    }
}

impl<V, C> fmt::Debug for TenantCache<V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantCache")
            .field("name", &self.inner.remote.name)
            .finish_non_exhaustive()
    }
}
