//! Work across tenants, asked for by name.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::ambient::Ambient;
use super::{InScope, Phase, PhaseCell};
use crate::Error;

/// The right to work across tenants, for a stated reason, until its closure ends.
///
/// Only [`Tenancy::central`](crate::Tenancy::central) and
/// [`Tenancy::leaving`](crate::Tenancy::leaving) hand it out. It is never a fallback: a tenant's
/// checkout does not take it, and a central checkout takes nothing else.
pub struct CentralScope {
    state: Arc<CentralState>,
}

pub(crate) struct CentralState {
    reason: Cow<'static, str>,
    phase: PhaseCell,
}

impl CentralScope {
    fn open(reason: Cow<'static, str>) -> Result<Self, Error> {
        if reason.trim().is_empty() {
            return Err(Error::NoReason);
        }
        tracing::info!(reason = %reason, "central scope opened");
        let state = CentralState {
            reason,
            phase: PhaseCell::new(),
        };
        state.phase.advance(Phase::Initialized);
        Ok(Self {
            state: Arc::new(state),
        })
    }

    pub(crate) fn from_state(state: Arc<CentralState>) -> Self {
        Self { state }
    }

    pub(crate) fn ambient(&self) -> Ambient {
        Ambient::Central(Arc::clone(&self.state))
    }

    fn close(&self) {
        self.state.phase.advance(Phase::Ended);
    }

    /// The ambient central scope, as an owned ticket.
    ///
    /// # Errors
    /// [`Error::NoScope`] where no central scope is open.
    pub fn current() -> Result<Self, Error> {
        match Ambient::current() {
            Some(Ambient::Central(state)) => Ok(Self::from_state(state)),
            Some(Ambient::Tenant(_)) | None => Err(Error::NoScope),
        }
    }

    /// An owned handle on the same scope. It opens nothing once the scope has ended.
    pub fn ticket(&self) -> Self {
        Self::from_state(Arc::clone(&self.state))
    }

    /// Why this work is done across tenants.
    pub fn reason(&self) -> &str {
        &self.state.reason
    }

    /// Says whether a central checkout may be made now.
    ///
    /// # Errors
    /// [`Error::ScopeEnded`] after the scope's end, [`Error::ScopeMismatch`] where another scope,
    /// such as a tenant's inside this one, is the ambient one.
    pub fn ensure_usable(&self) -> Result<(), Error> {
        if self.state.phase.load() == Phase::Ended {
            return Err(Error::ScopeEnded);
        }
        match Ambient::current() {
            None => Ok(()),
            Some(Ambient::Central(state)) if Arc::ptr_eq(&state, &self.state) => Ok(()),
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

/// Central work that is not tied to a closure: what an integration holds while it serves a request
/// on a central route. Dropped, it closes.
///
/// Applications use [`Tenancy::central`](crate::Tenancy::central).
#[derive(Debug)]
pub struct OpenCentral(CentralScope);

impl OpenCentral {
    pub(crate) fn open(reason: Cow<'static, str>) -> Result<Self, Error> {
        CentralScope::open(reason).map(Self)
    }

    /// The scope that is open.
    pub fn scope(&self) -> &CentralScope {
        &self.0
    }
}

impl Drop for OpenCentral {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl fmt::Debug for CentralScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentralScope")
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}
