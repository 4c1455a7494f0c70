//! The request extension by which a handler finds its scope.

use tenancy_core::TenantScope;

pub(crate) struct Ticket(TenantScope);

impl Ticket {
    pub(crate) fn of(scope: &TenantScope) -> Self {
        Self(scope.ticket())
    }

    #[cfg(feature = "axum")]
    pub(crate) fn scope(&self) -> &TenantScope {
        &self.0
    }
}

impl Clone for Ticket {
    fn clone(&self) -> Self {
        Self::of(&self.0)
    }
}
