//! Those who want to know how a scope lives and ends.

use super::CleanupErrors;
use crate::TenantId;

/// What a listener is told, once for each phase and in this order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Bootstrappers are about to run.
    Initializing,
    /// The body is about to run.
    Initialized,
    /// The body is over; reverts are about to run.
    Ending(Ending),
    /// Everything is over.
    Ended {
        /// How the body ended.
        ending: Ending,
        /// What could not be reverted.
        cleanup: &'a CleanupErrors,
    },
}

/// How a scope's body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It returned `Ok`.
    Completed,
    /// It returned an error, or a bootstrapper did.
    Failed,
    /// It, or a bootstrapper, panicked.
    Panicked,
    /// Its future was dropped.
    Dropped,
}

/// Told of each phase of every scope, for metrics and audit. It can change nothing: what it
/// returns is nothing, and a panic in it is logged and goes no further.
pub trait Listener: Send + Sync + 'static {
    /// Called in the task that moves the scope on; must not block.
    fn on_event(&self, tenant: &TenantId, event: &Event<'_>);
}

impl<F: Fn(&TenantId, &Event<'_>) + Send + Sync + 'static> Listener for F {
    fn on_event(&self, tenant: &TenantId, event: &Event<'_>) {
        self(tenant, event);
    }
}

pub(super) fn tell(
    listeners: &[std::sync::Arc<dyn Listener>],
    tenant: &TenantId,
    event: &Event<'_>,
) {
    for listener in listeners {
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            listener.on_event(tenant, event);
        }));
        if told.is_err() {
            tracing::error!("a scope listener panicked; the scope goes on without it");
        }
    }
}
