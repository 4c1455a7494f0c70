//! Where a tenant's connections lead.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tenancy_core::{Placement, Tenant, TenantId};
use tenancy_postgres::schema::TenantSchema;

use crate::{Error, Separation};

/// Where connections lead: a server, a database, and a login. Equal targets share connections.
#[derive(Clone)]
pub struct Target {
    pub(crate) server: Option<String>,
    /// Where it is not the URL's.
    pub(crate) database: Option<String>,
    /// Whose login it is, where each tenant has one. The URL's, which all share, where not.
    pub(crate) tenant: Option<Arc<Tenant>>,
}

impl Target {
    /// The server, database and login of the URL.
    pub(crate) fn base() -> Self {
        Self {
            server: None,
            database: None,
            tenant: None,
        }
    }

    /// What tells one from another. The record of a tenant may change; its place may not, or it is
    /// another target.
    fn key(&self) -> Key<'_> {
        let place = self.tenant.as_deref().map(Tenant::placement);
        Key {
            server: self.server.as_deref(),
            database: self.database.as_deref(),
            tenant: self.tenant.as_deref().map(Tenant::id),
            schema: place.and_then(Placement::schema_name),
            credential: place.and_then(Placement::credential),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    server: Option<&'a str>,
    database: Option<&'a str>,
    tenant: Option<&'a TenantId>,
    schema: Option<&'a str>,
    credential: Option<&'a str>,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Target {}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

/// One tenant's way: where it leads, and what opens its scope there.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) tenant: TenantId,
    pub(crate) target: Target,
    /// The schema that the search path names.
    pub(crate) schema: Option<TenantSchema>,
}

impl Route {
    /// # Errors
    /// [`Error::Placement`] where the tenant's record does not fit the pool's separation.
    pub(crate) fn of(tenant: &Tenant, separation: &Separation) -> Result<Self, Error> {
        let place = tenant.placement();
        if place.strategy() != separation.strategy() {
            return Err(Error::Placement);
        }
        let has_login = separation.credentials().is_some();
        Ok(Self {
            tenant: tenant.id().clone(),
            schema: separation.schema_of(tenant)?,
            target: Target {
                server: place.server().map(str::to_owned),
                database: place.database_name().map(str::to_owned),
                tenant: has_login.then(|| Arc::new(tenant.clone())),
            },
        })
    }
}
