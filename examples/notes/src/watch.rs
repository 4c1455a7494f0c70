//! How many scopes are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenancy::{Event, Listener, TenantId};

/// Counts the tenants' scopes that are open, for a diagnostics page.
#[derive(Debug, Clone, Default)]
pub struct OpenScopes(Arc<AtomicUsize>);

impl OpenScopes {
    /// How many there are now.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Listener for OpenScopes {
    fn on_event(&self, _: &TenantId, event: &Event<'_>) {
        match event {
            Event::Initializing => {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
            Event::Ended { .. } => {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}
