//! Tenants, scopes, and futures that are dropped.

use std::pin::Pin;
use std::task::{Context, Poll};

use tenancy_cache::CacheError;
use tenancy_core::{CentralScope, Error, MemoryStore, Tenancy, Tenant, TenantId, TenantScope};

#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    Tenancy(#[from] Error),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the load failed: {0}")]
    Load(String),
}

pub(crate) fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

/// `acme`, `acme-2`, `beta` and `central`, and the store that they are in.
pub(crate) fn tenancy() -> (Tenancy, MemoryStore) {
    let store =
        MemoryStore::new(["acme", "acme-2", "beta", "central"].map(|name| Tenant::new(id(name))));
    let tenancy = Tenancy::builder(store.clone()).without_requests().build();
    (tenancy, store)
}

/// A ticket of a scope that has ended.
pub(crate) async fn ended(tenancy: &Tenancy, name: &str) -> TenantScope {
    tenancy
        .run(name, async |scope: &TenantScope| -> Result<_, Error> {
            Ok(scope.ticket())
        })
        .await
        .unwrap()
}

pub(crate) async fn ended_central(tenancy: &Tenancy) -> CentralScope {
    tenancy
        .central("a test", async |scope: &CentralScope| -> Result<_, Error> {
            Ok(scope.ticket())
        })
        .await
        .unwrap()
}

/// Polls a future so often, and drops it. `true` where it was ready before.
pub(crate) async fn polled<F: Future>(times: usize, future: F) -> bool {
    struct Polled<F>(Pin<Box<F>>, usize);
    impl<F: Future> Future for Polled<F> {
        type Output = bool;
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
            if self.1 == 0 {
                return Poll::Ready(false);
            }
            self.1 -= 1;
            if self.0.as_mut().poll(context).is_ready() {
                return Poll::Ready(true);
            }
            if self.1 == 0 {
                return Poll::Ready(false);
            }
            Poll::Pending
        }
    }
    Polled(Box::pin(future), times).await
}
