//! The request extension by which a handler finds its scope.

use tenancy_core::{CentralScope, TenantScope};

use crate::Opened;

/// A request's scope, as it travels from the layer to the extractors.
///
/// A request without one has passed no layer. One with a ticket of a scope that has ended is late:
/// the two are told apart here, and neither opens anything.
#[derive(Debug)]
pub struct Ticket(Kind);

#[derive(Debug)]
enum Kind {
    Tenant(TenantScope),
    Central(CentralScope),
}

impl Ticket {
    /// A ticket for what is open.
    pub fn of(opened: &Opened) -> Self {
        Self(match opened {
            Opened::Tenant(open) => Kind::Tenant(open.scope().ticket()),
            Opened::Central(open) => Kind::Central(open.scope().ticket()),
        })
    }

    /// The tenant's scope; none on a central route.
    pub fn tenant(&self) -> Option<&TenantScope> {
        match &self.0 {
            Kind::Tenant(scope) => Some(scope),
            Kind::Central(_) => None,
        }
    }

    /// The central scope; none on a tenant's route.
    pub fn central(&self) -> Option<&CentralScope> {
        match &self.0 {
            Kind::Tenant(_) => None,
            Kind::Central(scope) => Some(scope),
        }
    }
}

impl Clone for Ticket {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Kind::Tenant(scope) => Kind::Tenant(scope.ticket()),
            Kind::Central(scope) => Kind::Central(scope.ticket()),
        })
    }
}
