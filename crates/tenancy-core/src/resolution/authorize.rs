//! Whether the caller is a member of the tenant.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::{BoxError, RequestView, TenantId};

/// The application's answer to "may this caller act for this tenant?".
///
/// It is asked for every id that a request names in a valid form, also for one that is unknown or
/// suspended, so that the work done does not tell them apart: so it gets the id and not the
/// tenant, and answers `false` for an id that it has never heard of. An error lets nobody in.
///
/// ```
/// use tenancy_core::{BoxError, Membership, RequestView, TenantId};
///
/// struct User { tenants: Vec<String> }
/// struct InToken;
///
/// impl Membership for InToken {
///     async fn is_member(
///         &self,
///         tenant: &TenantId,
///         request: &dyn RequestView,
///     ) -> Result<bool, BoxError> {
///         let user = request.principal_as::<User>();
///         Ok(user.is_some_and(|user| user.tenants.iter().any(|id| id == tenant.as_str())))
///     }
/// }
/// ```
///
/// A closure will do where it keeps no borrow of what it captured: write its types, and clone into
/// the future.
/// ```
/// # use std::sync::Arc;
/// # use tenancy_core::{BoxError, MemoryStore, RequestView, Subdomain, Tenancy, TenantId};
/// # struct Db; impl Db { async fn is_member(&self, _: &str, _: u64) -> Result<bool, BoxError> { Ok(true) } }
/// # let (db, store) = (Arc::new(Db), MemoryStore::default());
/// let tenancy = Tenancy::builder(store)
///     .resolve(Subdomain::of("example.com"))
///     .authorize(move |tenant: &TenantId, request: &dyn RequestView| {
///         let (db, tenant) = (db.clone(), tenant.clone());
///         let user = request.principal_as::<u64>().copied();
///         async move {
///             match user {
///                 None => Ok(false),
///                 Some(user) => db.is_member(tenant.as_str(), user).await,
///             }
///         }
///     })
///     .build();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no membership check",
    label = "not a membership check",
    note = "implement `Membership` for a struct, or give `|tenant: &TenantId, request: &dyn RequestView| async move {{ Ok::<bool, BoxError>(..) }}` with its types written, whose future is `Send` and borrows nothing that the closure captured: clone it into the future"
)]
pub trait Membership: Send + Sync + 'static {
    /// Whether the caller of `request` may act for `tenant`.
    ///
    /// # Errors
    /// Any: nobody is let in.
    fn is_member(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> impl Future<Output = Result<bool, BoxError>> + Send;
}

/// A function or closure that can be a [`Membership`] check. Never implemented by hand: it exists
/// because the `Send` bound of a closure's future can't be written otherwise.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no membership check",
    label = "not a membership check",
    note = "implement `Membership` for a struct, or give `|tenant: &TenantId, request: &dyn RequestView| async move {{ Ok::<bool, BoxError>(..) }}` with its types written, whose future is `Send` and borrows nothing that the closure captured: clone it into the future"
)]
pub trait MembershipCheck<'r>: Send + Sync + 'static {
    /// The future that answers.
    type Answer: Future<Output = Result<bool, BoxError>> + Send + 'r;
    /// Asks.
    fn ask(&self, tenant: &'r TenantId, request: &'r dyn RequestView) -> Self::Answer;
}

impl<'r, F, Answer> MembershipCheck<'r> for F
where
    F: Fn(&'r TenantId, &'r dyn RequestView) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<bool, BoxError>> + Send + 'r,
{
    type Answer = Answer;
    fn ask(&self, tenant: &'r TenantId, request: &'r dyn RequestView) -> Answer {
        self(tenant, request)
    }
}

impl<F> Membership for F
where
    F: for<'r> MembershipCheck<'r>,
{
    async fn is_member(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, BoxError> {
        self.ask(tenant, request).await
    }
}

/// A membership check whose type is forgotten.
pub(crate) trait DynMembership: Send + Sync {
    fn ask<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: &'a dyn RequestView,
    ) -> BoxFuture<'a, Result<bool, BoxError>>;
}

struct Erased<M>(M);

impl<M: Membership> DynMembership for Erased<M> {
    fn ask<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: &'a dyn RequestView,
    ) -> BoxFuture<'a, Result<bool, BoxError>> {
        self.0.is_member(tenant, request).boxed()
    }
}

/// How a caller is admitted.
#[derive(Clone)]
pub(crate) enum Authorization {
    /// By asking.
    Membership(Arc<dyn DynMembership>),
    /// By the identifier itself, which can't be forged.
    TrustedIdentifier,
}

impl Authorization {
    pub(crate) fn membership(check: impl Membership) -> Self {
        Self::Membership(Arc::new(Erased(check)))
    }

    pub(crate) async fn allows(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, BoxError> {
        match self {
            Self::Membership(check) => check.ask(tenant, request).await,
            Self::TrustedIdentifier => Ok(true),
        }
    }
}
