//! A tenant's scope.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::ambient::Ambient;
use super::{InScope, Phase, PhaseCell};
use crate::request_transaction::Slot;
use crate::tenancy::Realm;
use crate::{Error, Tenant, TenantId};

/// The right to work on one tenant's data, until its closure or request ends.
///
/// [`Tenancy::run`](crate::Tenancy::run) hands it out as a borrow, so that a connection or
/// transaction made with it can't leave the closure. [`ticket`](Self::ticket) and
/// [`current`](Self::current) give an owned one, which refuses every new checkout with
/// [`Error::ScopeEnded`] once the scope is over; a checkout already made may finish its work,
/// which is still that tenant's.
///
/// It is not `Clone`: a copy that may outlive its closure is asked for by name, as a ticket.
///
/// ```
/// # use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId, TenantScope, Error};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let tenancy = Tenancy::builder(MemoryStore::new([Tenant::new(TenantId::new("acme")?)])).without_requests().build();
/// tenancy.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
///     assert_eq!(scope.tenant_id().as_str(), "acme");
///     assert_eq!(TenantScope::current()?.tenant_id(), scope.tenant_id());
///     Ok(())
/// }).await?;
/// assert!(matches!(TenantScope::current(), Err(Error::NoScope)));
/// # Ok(()) }
/// ```
pub struct TenantScope {
    state: Arc<TenantState>,
    /// What a revert is given may be used while the scope is ending; everything else may not.
    for_revert: bool,
}

pub(crate) struct TenantState {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) phase: PhaseCell,
    pub(crate) realm: Realm,
    pub(crate) access: Access,
    /// Its request's, where it has one.
    pub(crate) transaction: Slot,
}

/// What a scope was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// To read and write.
    Full,
    /// To read.
    Read,
    /// To read and write, whatever the tenant's availability.
    Maintenance,
}

impl Access {
    /// What the tenant's availability leaves.
    pub(crate) fn to(tenant: &Tenant) -> Self {
        if tenant.availability().is_read_only() {
            Self::Read
        } else {
            Self::Full
        }
    }
}

impl TenantScope {
    pub(crate) fn new(tenant: Arc<Tenant>, realm: Realm, access: Access) -> Self {
        Self {
            state: Arc::new(TenantState {
                tenant,
                phase: PhaseCell::new(),
                realm,
                access,
                transaction: Slot::off(),
            }),
            for_revert: false,
        }
    }

    pub(crate) fn from_state(state: Arc<TenantState>) -> Self {
        Self {
            state,
            for_revert: false,
        }
    }

    pub(crate) fn for_revert(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            for_revert: true,
        }
    }

    pub(crate) fn shared_state(&self) -> Arc<TenantState> {
        Arc::clone(&self.state)
    }

    pub(crate) fn advance(&self, phase: Phase) {
        self.state.phase.advance(phase);
    }

    pub(crate) fn belongs_to(&self, realm: &Realm) -> bool {
        self.state.realm == *realm
    }

    pub(crate) fn ambient(&self) -> Ambient {
        Ambient::Tenant(Arc::clone(&self.state))
    }

    /// The ambient scope, as an owned ticket.
    ///
    /// # Errors
    /// [`Error::NoScope`] where no tenant's scope is open; central work is none.
    pub fn current() -> Result<Self, Error> {
        match Ambient::current() {
            Some(Ambient::Tenant(state)) => Ok(Self::from_state(state)),
            Some(Ambient::Central(_)) | None => Err(Error::NoScope),
        }
    }

    /// An owned handle on the same scope. It opens nothing once the scope has ended.
    pub fn ticket(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            for_revert: self.for_revert,
        }
    }

    /// Whose scope this is.
    pub fn tenant_id(&self) -> &TenantId {
        self.state.tenant.id()
    }

    /// The tenant, as the store knew it when the scope was opened.
    pub fn tenant(&self) -> &Tenant {
        &self.state.tenant
    }

    /// The same, to be kept: for an adapter, whose connections outlive a scope.
    pub fn shared_tenant(&self) -> Arc<Tenant> {
        Arc::clone(&self.state.tenant)
    }

    /// Whether the tenant's data may only be read in this scope, since the tenant was
    /// [read-only](crate::Availability::ReadOnly) when it was opened. Adapters have their database
    /// refuse every write in it.
    pub fn is_read_only(&self) -> bool {
        self.state.access == Access::Read
    }

    /// How far this scope is in its life.
    pub fn phase(&self) -> Phase {
        self.state.phase.load()
    }

    /// Whether both are handles on one scope (not only on one tenant).
    pub fn is_same_scope(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// Says whether a checkout may be made now. Adapters ask this first, in the caller's task.
    ///
    /// # Errors
    /// [`Error::ScopeEnded`] after the scope's end, [`Error::ScopeMismatch`] where another scope
    /// is the ambient one.
    pub fn ensure_usable(&self) -> Result<(), Error> {
        let usable = match self.phase() {
            Phase::Initializing | Phase::Initialized => true,
            Phase::Ending => self.for_revert,
            Phase::Ended => false,
        };
        if !usable {
            return Err(Error::ScopeEnded);
        }
        match Ambient::current() {
            None => Ok(()),
            Some(Ambient::Tenant(state)) if Arc::ptr_eq(&state, &self.state) => Ok(()),
            Some(_) => Err(Error::ScopeMismatch),
        }
    }

    /// Runs `future` with this as the ambient scope: what an integration does around a handler.
    pub fn scope<F: Future>(&self, future: F) -> InScope<F> {
        InScope::new(Some(self.ambient()), future)
    }

    /// Runs `work` with this as the ambient scope: what an integration does around one poll.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.ambient().during(work)
    }
}

impl fmt::Debug for TenantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantScope")
            .field("tenant", self.tenant_id())
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}
