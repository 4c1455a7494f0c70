//! Work that is done when a scope opens, and undone when it closes.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::BoxError;
use crate::TenantScope;

/// Work that is done when a scope opens, and undone when it closes: warm a cache, take a lease,
/// set a tenant's locale.
///
/// It runs inside the scope, so tenant-aware access works in both methods. A failing `initialize`
/// must leave nothing behind: only bootstrappers that completed are reverted.
///
/// ```
/// use tenancy_core::{BoxError, Bootstrapper, TenantScope};
///
/// struct Lease;
/// impl Bootstrapper for Lease {
///     type State = u64;
///     fn name(&self) -> &'static str { "lease" }
///     async fn initialize(&self, _scope: &TenantScope) -> Result<u64, BoxError> { Ok(7) }
///     async fn revert(&self, _scope: &TenantScope, lease: u64) -> Result<(), BoxError> {
///         assert_eq!(lease, 7);
///         Ok(())
///     }
/// }
/// ```
pub trait Bootstrapper: Send + Sync + 'static {
    /// What `initialize` hands to `revert`.
    type State: Send + 'static;

    /// The name in errors and logs.
    fn name(&self) -> &'static str;

    /// Runs before the body.
    ///
    /// # Errors
    /// Any: the body does not run, and the bootstrappers before this one are reverted.
    fn initialize(
        &self,
        scope: &TenantScope,
    ) -> impl Future<Output = Result<Self::State, BoxError>> + Send;

    /// Runs after the body, whatever became of it.
    ///
    /// # Errors
    /// Any: it is kept beside the body's own result, and the other reverts still run.
    fn revert(
        &self,
        scope: &TenantScope,
        state: Self::State,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A completed bootstrapper, waiting to be reverted.
pub(crate) struct Completed {
    pub(crate) name: &'static str,
    pub(crate) revert: Revert,
}

type Revert = Box<dyn FnOnce(TenantScope) -> BoxFuture<'static, Result<(), BoxError>> + Send>;

/// A bootstrapper whose state type is forgotten.
pub(crate) trait DynBootstrapper: Send + Sync {
    fn name(&self) -> &'static str;
    fn initialize<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Completed, BoxError>>;
}

impl<B: Bootstrapper> DynBootstrapper for std::sync::Arc<B> {
    fn name(&self) -> &'static str {
        Bootstrapper::name(&**self)
    }

    fn initialize<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Completed, BoxError>> {
        async move {
            let state = Bootstrapper::initialize(&**self, scope).await?;
            let this = Self::clone(self);
            Ok(Completed {
                name: DynBootstrapper::name(self),
                revert: Box::new(move |scope| {
                    async move { Bootstrapper::revert(&*this, &scope, state).await }.boxed()
                }),
            })
        }
        .boxed()
    }
}
