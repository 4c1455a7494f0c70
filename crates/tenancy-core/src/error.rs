//! Everything that can go wrong between a request and an open scope.

use crate::lifecycle::{BoxError, CleanupErrors};
use crate::{
    EnvelopeError, InvalidTenantId, NoRequestTransaction, ResolutionError, StoreError,
    TenantStatus, Unavailable,
};

/// Why there is no scope, or why a scope could not be used.
///
/// No variant holds a tenant's id, a secret or a value from a request, so that an error may be
/// logged as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Tenant-aware work was asked for where no scope is open.
    #[error(
        "no tenant scope is open here: open one with `Tenancy::run`, put the integration's layer around this route, or carry the scope into a spawned task with `.in_current_scope()`"
    )]
    NoScope,
    /// The scope's request or closure is over.
    #[error(
        "this tenant scope has ended: a ticket kept beyond its request or closure opens nothing; open a scope of its own with `Tenancy::run`"
    )]
    ScopeEnded,
    /// A scope was used inside another one that is open.
    #[error(
        "this scope is not the one that is open here: inside an inner `run`, use the scope that it hands out"
    )]
    ScopeMismatch,
    /// `run` for one tenant inside the scope of another.
    #[error(
        "another tenant's scope is open here, and one tenant's work can't be nested in another's: end it first, or do this work in a task of its own"
    )]
    NestedTenant,
    /// `maintain` inside a scope of the same tenant that is no maintenance.
    #[error(
        "maintenance was asked for inside a scope that is none: it opens a scope of its own, so do it in a task of its own"
    )]
    NestedMaintenance,
    /// `central` inside a tenant's scope.
    #[error(
        "central work was asked for inside a tenant's scope: leave that scope by name, with `Tenancy::leaving(scope).central(..)`"
    )]
    CentralInsideTenant,
    /// Central work without a reason.
    #[error("central work needs a reason for the log: give a text that is not empty")]
    NoReason,
    /// What was given is no tenant id.
    #[error("that is no tenant id")]
    InvalidTenantId(#[from] InvalidTenantId),
    /// Unknown, not active, or not this caller's: from outside, one and the same.
    #[error("this tenant is not available: it is unknown, not active, or not the caller's")]
    Refused(Refusal),
    /// In maintenance, or read-only and the request may write. Only the tenant's members get here.
    #[error("{0}")]
    Unavailable(Unavailable),
    /// The request named no tenant, or not in a form that may be trusted.
    #[error(transparent)]
    Resolution(#[from] ResolutionError),
    /// A request reached a `Tenancy` that was built for workers alone.
    #[error(
        "this tenancy serves no requests: it was built with `.without_requests()`; give it a resolver and `.authorize(membership)`"
    )]
    WithoutRequests,
    /// The store could not answer, or its answer was refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An envelope could not be sealed or opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The membership check itself failed, so nobody was let in.
    #[error("the membership check failed, so access was refused: see its source for the cause")]
    Membership(#[source] BoxError),
    /// A bootstrapper failed; those before it were reverted, and the body never ran.
    #[error(
        "the scope could not be initialized: bootstrapper `{name}` failed, so the work was not started"
    )]
    Bootstrap {
        /// The bootstrapper's name.
        name: &'static str,
        /// What it said.
        #[source]
        source: BoxError,
        /// What failed while those before it were reverted.
        cleanup: CleanupErrors,
    },
    /// The request has no transaction of its own that could be used here and now.
    #[error(transparent)]
    RequestTransaction(#[from] NoRequestTransaction),
    /// The body succeeded, and something failed while the scope was closed behind it.
    #[error("the work was done, but closing its scope failed: {0}")]
    Cleanup(CleanupErrors),
}

/// Why a tenant was refused. For the application's own logs and decisions: never show it outside,
/// where unknown, suspended and forbidden look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The store knows no such tenant.
    Unknown,
    /// The tenant exists, and its status opens no scope.
    NotActive(TenantStatus),
    /// The caller is not a member.
    Forbidden,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
