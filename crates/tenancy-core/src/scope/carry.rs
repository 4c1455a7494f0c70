//! Carries the ambient scope into a future that runs elsewhere.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::ambient::{Ambient, Around};

pin_project_lite::pin_project! {
    /// A future with an ambient scope of its own: what
    /// [`in_current_scope`](InCurrentScope::in_current_scope) and
    /// [`TenantScope::scope`](crate::TenantScope::scope) return.
    #[must_use = "futures do nothing unless polled"]
    pub struct InScope<F: Future> {
        #[pin]
        inner: Around<F>,
    }
}

impl<F: Future> InScope<F> {
    pub(super) fn new(ambient: Option<Ambient>, future: F) -> Self {
        Self {
            inner: Ambient::around(ambient, future),
        }
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx)
    }
}

impl<F: Future> fmt::Debug for InScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InScope").finish_non_exhaustive()
    }
}

/// Carries the ambient scope along, on purpose, as `tracing`'s `.in_current_span()` does its span.
///
/// What is carried is a ticket: once the scope's own closure or request has ended, new checkouts
/// in the carried future fail with [`Error::ScopeEnded`](crate::Error::ScopeEnded).
///
/// ```
/// # use tenancy_core::{InCurrentScope, MemoryStore, Tenancy, Tenant, TenantId, TenantScope, Error};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let tenancy = Tenancy::builder(MemoryStore::new([Tenant::new(TenantId::new("acme")?)])).without_requests().build();
/// tenancy.run("acme", async |_: &TenantScope| -> Result<(), Error> {
///     let bare = tokio::spawn(async { TenantScope::current().is_ok() });
///     let carried = tokio::spawn(async { TenantScope::current().is_ok() }.in_current_scope());
///     assert!(!bare.await.unwrap());
///     assert!(carried.await.unwrap());
///     Ok(())
/// }).await
/// # }
/// ```
pub trait InCurrentScope: Future + Sized {
    /// Runs this future in the scope that is ambient now, wherever it is polled.
    fn in_current_scope(self) -> InScope<Self> {
        InScope::new(Ambient::current(), self)
    }
}

impl<F: Future> InCurrentScope for F {}
