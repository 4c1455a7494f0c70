//! [`Tenancy`]: opens scopes, and is the only one that does.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tracing::Instrument;

use crate::envelope::EnvelopeKeys;
use crate::lifecycle::{Detached, DynBootstrapper, Ending, Listener, OpenScope};
use crate::resolution::Gate;
use crate::scope::{Access, Ambient, OpenCentral, Phase};
use crate::store::Directory;
use crate::{
    CentralScope, Error, IntoTenantId, Refusal, RequestView, ScopeFn, Tenant, TenantId,
    TenantScope, TenantStatus, Undone,
};

/// Opens scopes: for a request, for a tenant named by trusted code, or for central work.
///
/// Cheap to clone; all clones are one. Made by [`Tenancy::builder`].
#[derive(Clone)]
pub struct Tenancy {
    pub(crate) inner: Arc<TenancyParts>,
}

/// What the builder has put together.
pub(crate) struct TenancyParts {
    pub(crate) directory: Directory,
    /// Without one, no request is served.
    pub(crate) gate: Option<Gate>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) envelope_keys: Option<EnvelopeKeys>,
}

/// What runs around every scope.
pub(crate) struct Lifecycle {
    pub(crate) bootstrappers: Arc<[Box<dyn DynBootstrapper>]>,
    pub(crate) listeners: Arc<[Arc<dyn Listener>]>,
    pub(crate) detached: Arc<Detached>,
    pub(crate) realm: Realm,
}

impl Lifecycle {
    pub(crate) fn new(
        bootstrappers: Vec<Box<dyn DynBootstrapper>>,
        listeners: Vec<Arc<dyn Listener>>,
    ) -> Self {
        Self {
            bootstrappers: bootstrappers.into(),
            listeners: listeners.into(),
            detached: Arc::new(Detached::new()),
            realm: Realm(Arc::new(())),
        }
    }
}

/// Tells the scopes of two [`Tenancy`] values in one process apart, where ids may be the same.
#[derive(Clone)]
pub(crate) struct Realm(Arc<()>);

impl PartialEq for Realm {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Tenancy {
    pub(crate) fn assemble(parts: TenancyParts) -> Self {
        Self {
            inner: Arc::new(parts),
        }
    }

    /// Runs `work` in the scope of `tenant`: for workers, jobs and everything that has no request.
    ///
    /// `tenant` comes from trusted code, so no membership is checked; the tenant must be known and
    /// active. Inside the scope of the same tenant it is that same scope; inside another's it is
    /// refused. For a tenant that is read-only, the scope is
    /// [read-only](TenantScope::is_read_only).
    ///
    /// A body whose errors all come through `?` needs its type written:
    /// `async |scope: &TenantScope| -> Result<_, AppError> { .. }`.
    ///
    /// # Errors
    /// What `work` returns, as it is. Before it: [`Error::InvalidTenantId`], [`Error::Refused`],
    /// [`Error::Unavailable`] during maintenance, [`Error::NestedTenant`], [`Error::Store`] or
    /// [`Error::Bootstrap`]. After a `work` that succeeded: [`Error::Cleanup`], where a revert
    /// failed.
    pub fn run<'a, I, F, T, E>(
        &'a self,
        tenant: I,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        I: IntoTenantId,
        F: AsyncFnOnce(&TenantScope) -> Result<T, E> + for<'s> ScopeFn<'s, TenantScope, T, E> + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        let id = tenant.into_tenant_id();
        async move {
            let id = id.map_err(Error::from)?;
            let run = self.run_known(&id, work).await;
            run.map_err(Undone::into_error)
        }
    }

    /// Runs `work` in the scope of `tenant`, to read and write, whether it is open, read-only or in
    /// maintenance: for the work that the maintenance is for. `tenant` comes from trusted code, and
    /// must be known and active.
    ///
    /// ```
    /// # use tenancy_core::{Availability, MemoryStore, Tenancy, Tenant, TenantId, TenantScope, Error};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let acme = Tenant::new(TenantId::new("acme")?)
    ///     .with_availability(Availability::Maintenance { until: None });
    /// let tenancy = Tenancy::builder(MemoryStore::new([acme])).without_requests().build();
    /// # async fn rebuild(_: &TenantScope) -> Result<(), Error> { Ok(()) }
    ///
    /// let refused = tenancy.run("acme", async |scope: &TenantScope| rebuild(scope).await).await;
    /// assert!(matches!(refused, Err(Error::Unavailable(_))));
    /// tenancy.maintain("acme", async |scope: &TenantScope| rebuild(scope).await).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run), but for [`Error::Unavailable`]; [`Error::NestedMaintenance`] inside a
    /// scope of the same tenant that was opened otherwise.
    pub fn maintain<'a, I, F, T, E>(
        &'a self,
        tenant: I,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        I: IntoTenantId,
        F: AsyncFnOnce(&TenantScope) -> Result<T, E> + for<'s> ScopeFn<'s, TenantScope, T, E> + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        let id = tenant.into_tenant_id();
        async move {
            let id = id.map_err(Error::from)?;
            if let Some(Ambient::Tenant(state)) = Ambient::current()
                && state.tenant.id() == &id
                && state.access != Access::Maintenance
            {
                return Err(Error::NestedMaintenance.into());
            }
            let find = async { Ok((self.find_active(&id).await?, Access::Maintenance)) };
            let run = self.run_found(&id, find, work).await;
            run.map_err(Undone::into_error)
        }
    }

    /// The same, where whether the work began is told apart.
    pub(crate) async fn run_known<F, T, E>(&self, id: &TenantId, work: F) -> Result<T, Undone<E>>
    where
        F: for<'s> ScopeFn<'s, TenantScope, T, E>,
        T: Send,
        E: Send,
    {
        self.run_found(id, self.find_available(id), work).await
    }

    /// Runs `work` in the scope of the tenant that `find` answers with, unless that tenant's scope
    /// is open here already.
    pub(crate) async fn run_found<F, T, E>(
        &self,
        id: &TenantId,
        find: impl Future<Output = Result<(Arc<Tenant>, Access), Error>> + Send,
        work: F,
    ) -> Result<T, Undone<E>>
    where
        F: for<'s> ScopeFn<'s, TenantScope, T, E>,
        T: Send,
        E: Send,
    {
        if let Some(Ambient::Tenant(state)) = Ambient::current() {
            let open = state.phase.load() < Phase::Ending;
            if !open || state.tenant.id() != id || state.realm != self.inner.lifecycle.realm {
                return Err(Error::NestedTenant.into());
            }
            let done = work.call(&TenantScope::from_state(state)).await;
            return done.map_err(Undone::Work);
        }
        let span = tracing::info_span!("tenancy.scope", tenant.id = %id);
        async move {
            let (tenant, access) = find.await?;
            let open = self.open(tenant, access).await?;
            let body = work.call(open.scope());
            match AssertUnwindSafe(open.scope().scope(body))
                .catch_unwind()
                .await
            {
                Ok(Ok(value)) => {
                    let cleanup = open.close(Ending::Completed).await;
                    if cleanup.is_empty() {
                        Ok(value)
                    } else {
                        Err(Error::Cleanup(cleanup).into())
                    }
                }
                // What could not be reverted is logged and told to listeners, beside this error.
                Ok(Err(error)) => {
                    open.close(Ending::Failed).await;
                    Err(Undone::Work(error))
                }
                Err(panic) => {
                    open.close(Ending::Panicked).await;
                    std::panic::resume_unwind(panic)
                }
            }
        }
        .instrument(span)
        .await
    }

    /// Runs `work` across tenants, for a stated `reason`, which is logged.
    ///
    /// # Errors
    /// What `work` returns, as it is. Before it: [`Error::CentralInsideTenant`] inside a tenant's
    /// scope, [`Error::NoReason`] for an empty reason.
    pub fn central<'a, F, T, E>(
        &'a self,
        reason: impl Into<Cow<'static, str>>,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&CentralScope) -> Result<T, E>
            + for<'s> ScopeFn<'s, CentralScope, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        let reason = reason.into();
        async move {
            if let Some(Ambient::Tenant(_)) = Ambient::current() {
                return Err(Error::CentralInsideTenant.into());
            }
            run_central(reason, work).await
        }
    }

    /// Opens central work that is not tied to a closure. This is what integrations call for their
    /// central routes; who may ask is theirs to check.
    ///
    /// # Errors
    /// [`Error::CentralInsideTenant`] inside a tenant's scope, [`Error::NoReason`] for an empty
    /// reason.
    pub fn open_central(&self, reason: impl Into<Cow<'static, str>>) -> Result<OpenCentral, Error> {
        if let Some(Ambient::Tenant(_)) = Ambient::current() {
            return Err(Error::CentralInsideTenant);
        }
        OpenCentral::open(reason.into())
    }

    /// Leaves `scope` by name, for central work inside it.
    pub fn leaving<'a>(&'a self, scope: &'a TenantScope) -> Leaving<'a> {
        Leaving {
            scope,
            tenancy: self,
        }
    }

    /// Opens the scope that `request` asks for: resolve, look up, check the membership, and then
    /// whether the tenant is available. This is what integrations call.
    ///
    /// # Errors
    /// [`Error::Resolution`] for a request that names no tenant, or not in a valid form;
    /// [`Error::Refused`] for one that is unknown, not active or not the caller's, which must look
    /// the same from outside; [`Error::Unavailable`] for a member's request during maintenance, or
    /// that [may write](RequestView::only_reads) to a read-only tenant; [`Error::Store`],
    /// [`Error::Membership`], [`Error::Bootstrap`], [`Error::NestedTenant`] or
    /// [`Error::WithoutRequests`].
    pub async fn open_request(&self, request: &dyn RequestView) -> Result<OpenScope, Error> {
        let gate = self.inner.gate.as_ref().ok_or(Error::WithoutRequests)?;
        let tenant = gate.admit(&self.inner.directory, request).await?;
        self.open_admitted(tenant).await
    }

    /// Waits until the reverts of all scopes that ended so far, dropped ones included, are done:
    /// for a graceful shutdown, and for tests.
    pub async fn settled(&self) {
        self.inner.lifecycle.detached.settled().await;
    }

    /// Forgets what the look-up cache knows of `tenant`, also if it is being loaded right now.
    /// Call it after a change to the tenant's status, availability, domains or placement.
    pub fn invalidate(&self, tenant: &TenantId) {
        self.inner.directory.invalidate(tenant);
    }

    /// Opens the scope of a tenant for a request that was let in.
    pub(crate) async fn open_admitted(&self, tenant: Arc<Tenant>) -> Result<OpenScope, Error> {
        let access = Access::to(&tenant);
        self.open(tenant, access).await
    }

    async fn open(&self, tenant: Arc<Tenant>, access: Access) -> Result<OpenScope, Error> {
        OpenScope::open(tenant, &self.inner.lifecycle, access).await
    }

    async fn find_available(&self, id: &TenantId) -> Result<(Arc<Tenant>, Access), Error> {
        available(self.find_active(id).await?)
    }

    async fn find_active(&self, id: &TenantId) -> Result<Arc<Tenant>, Error> {
        let found = self.inner.directory.find(id).await?;
        ensure_active(found).map_err(Error::from)
    }
}

/// The tenant and what it may be worked with for, where no maintenance is in the way. Trusted code
/// is let in to a read-only one, and writes nothing there.
pub(crate) fn available(tenant: Arc<Tenant>) -> Result<(Arc<Tenant>, Access), Error> {
    tenant.availability().admit(true)?;
    let access = Access::to(&tenant);
    Ok((tenant, access))
}

/// The tenant, if its status opens a scope.
pub(crate) fn ensure_active(found: Option<Arc<Tenant>>) -> Result<Arc<Tenant>, Refusal> {
    match found {
        None => Err(Refusal::Unknown),
        Some(tenant) if tenant.status() == TenantStatus::Active => Ok(tenant),
        Some(tenant) => Err(Refusal::NotActive(tenant.status())),
    }
}

async fn run_central<F, T, E>(reason: Cow<'static, str>, work: F) -> Result<T, E>
where
    F: for<'s> ScopeFn<'s, CentralScope, T, E>,
    E: From<Error>,
{
    let open = OpenCentral::open(reason)?;
    open.scope().scope(work.call(open.scope())).await
}

/// A tenant's scope that is being left by name. Made by [`Tenancy::leaving`].
#[derive(Debug)]
#[must_use = "nothing happens before `.central(..)` is called"]
pub struct Leaving<'a> {
    scope: &'a TenantScope,
    tenancy: &'a Tenancy,
}

impl<'a> Leaving<'a> {
    /// Runs `work` across tenants; the tenant's scope is the ambient one again afterwards.
    ///
    /// # Errors
    /// What `work` returns, as it is. Before it: [`Error::ScopeMismatch`] where the scope to leave
    /// is not the one that is open here, [`Error::ScopeEnded`], [`Error::NoReason`].
    pub fn central<F, T, E>(
        self,
        reason: impl Into<Cow<'static, str>>,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&CentralScope) -> Result<T, E>
            + for<'s> ScopeFn<'s, CentralScope, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        let reason = reason.into();
        async move {
            self.scope.ensure_usable()?;
            if !self.scope.belongs_to(&self.tenancy.inner.lifecycle.realm) {
                return Err(Error::ScopeMismatch.into());
            }
            run_central(reason, work).await
        }
    }
}

impl fmt::Debug for Tenancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenancy").finish_non_exhaustive()
    }
}
