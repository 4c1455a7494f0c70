//! Hearing of a run while it goes.

use tenancy_core::TenantId;

use super::Outcome;

/// What happens in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It is known who comes.
    Planned {
        /// Tenants that will be looked at.
        tenants: u64,
        /// Tenants that are where they shall be, as the registry knows.
        current: u64,
    },
    /// A tenant's turn.
    Began {
        /// Whose.
        tenant: &'a TenantId,
    },
    /// What has become of a tenant, or that it was not tried: for each once.
    Ended {
        /// Whose.
        tenant: &'a TenantId,
        /// What.
        outcome: &'a Outcome,
    },
}

/// Hears of a run while it goes. It is called between tenants: what it does must be quick, and must
/// not block. Closures are observers.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn on(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn on(&self, event: &Event<'_>) {
        self(event);
    }
}
