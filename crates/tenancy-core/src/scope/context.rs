//! Tells tenant, central and none apart.

use super::ambient::Ambient;
use super::{CentralScope, TenantScope};

/// What is open in the current task.
///
/// ```
/// use tenancy_core::Context;
/// assert!(matches!(Context::current(), Context::None));
/// ```
#[derive(Debug)]
pub enum Context {
    /// A tenant's scope.
    Tenant(TenantScope),
    /// Central work.
    Central(CentralScope),
    /// Nothing: tenant-aware access fails here.
    None,
}

impl Context {
    /// What is open here and now.
    pub fn current() -> Self {
        match Ambient::current() {
            Some(Ambient::Tenant(state)) => Self::Tenant(TenantScope::from_state(state)),
            Some(Ambient::Central(state)) => Self::Central(CentralScope::from_state(state)),
            None => Self::None,
        }
    }
}
