//! The task-local that holds the ambient scope.

use std::future::Future;
use std::sync::Arc;

use tokio::task::futures::TaskLocalFuture;

use super::central::CentralState;
use super::tenant::TenantState;

tokio::task_local! {
    static AMBIENT: Option<Ambient>;
}

#[derive(Clone)]
pub(crate) enum Ambient {
    Tenant(Arc<TenantState>),
    Central(Arc<CentralState>),
}

impl Ambient {
    pub(crate) fn current() -> Option<Self> {
        AMBIENT.try_with(Clone::clone).ok().flatten()
    }

    /// Runs `future` with this as the ambient scope, or with none.
    pub(crate) fn around<F: Future>(
        ambient: Option<Self>,
        future: F,
    ) -> TaskLocalFuture<Option<Self>, F> {
        AMBIENT.scope(ambient, future)
    }

    /// Runs `work` with this as the ambient scope.
    pub(super) fn during<T>(self, work: impl FnOnce() -> T) -> T {
        AMBIENT.sync_scope(Some(self), work)
    }
}

pub(super) type Around<F> = TaskLocalFuture<Option<Ambient>, F>;
