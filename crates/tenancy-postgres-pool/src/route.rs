//! Where a tenant's connections lead.

use std::fmt;

use tenancy_core::{Strategy, Tenant, TenantId};

use crate::Error;

/// Where connections lead: one of the pool's servers. Equal targets share connections.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub(crate) server: Option<String>,
}

impl Target {
    /// The server of the URL.
    pub(crate) fn base() -> Self {
        Self { server: None }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

/// One tenant's way: who it is, and where its data lives.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) tenant: TenantId,
    pub(crate) target: Target,
}

impl Route {
    /// # Errors
    /// [`Error::Placement`] where the tenant's data does not live in shared tables.
    pub(crate) fn of(tenant: &Tenant) -> Result<Self, Error> {
        let place = tenant.placement();
        if place.strategy() != Strategy::RowLevel {
            return Err(Error::Placement);
        }
        Ok(Self {
            tenant: tenant.id().clone(),
            target: Target {
                server: place.server().map(str::to_owned),
            },
        })
    }
}
