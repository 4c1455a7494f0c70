//! Where a tenant's connections lead.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tenancy_core::{Placement, Tenant, TenantId};
use tenancy_postgres::schema::TenantSchema;

use crate::{Error, Separation};

/// Where connections lead: a server, a database, and a login. Equal targets share connections.
#[derive(Clone)]
pub struct Target(Place);

#[derive(Clone)]
enum Place {
    /// The URL's login, which tenants share.
    Shared {
        server: Option<String>,
        /// Where it is not the URL's.
        database: Option<String>,
    },
    /// One tenant's own login, where its record places it.
    Own(Arc<Tenant>),
}

impl Target {
    /// The server, database and login of the URL.
    pub(crate) fn base() -> Self {
        Self::shared(None, None)
    }

    /// The login of the URL, elsewhere.
    pub(crate) fn shared(server: Option<&str>, database: Option<&str>) -> Self {
        Self(Place::Shared {
            server: server.map(str::to_owned),
            database: database.map(str::to_owned),
        })
    }

    /// The server's name, where it is not the URL's.
    pub(crate) fn server(&self) -> Option<&str> {
        match &self.0 {
            Place::Shared { server, .. } => server.as_deref(),
            Place::Own(tenant) => tenant.placement().server(),
        }
    }

    /// The database, where it is not the URL's.
    pub(crate) fn database(&self) -> Option<&str> {
        match &self.0 {
            Place::Shared { database, .. } => database.as_deref(),
            Place::Own(tenant) => tenant.placement().database_name(),
        }
    }

    /// Whose login it is, where each tenant has one.
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        match &self.0 {
            Place::Shared { .. } => None,
            Place::Own(tenant) => Some(tenant),
        }
    }

    /// What tells one from another. The record of a tenant may change; its place may not, or it is
    /// another target.
    fn key(&self) -> Key<'_> {
        let place = self.tenant().map(Tenant::placement);
        Key {
            server: self.server(),
            database: self.database(),
            tenant: self.tenant().map(Tenant::id),
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
    /// The schema that each scope's search path names.
    pub(crate) schema: Option<TenantSchema>,
}

impl Route {
    /// # Errors
    /// [`Error::Placement`] where the tenant's record does not fit the pool's separation.
    pub(crate) fn of(tenant: Arc<Tenant>, separation: &Separation) -> Result<Self, Error> {
        let place = tenant.placement();
        if place.strategy() != separation.strategy() {
            return Err(Error::Placement);
        }
        let (id, shared) = (tenant.id().clone(), separation.credentials().is_none());
        if !shared {
            return Ok(Self {
                tenant: id,
                target: Target(Place::Own(tenant)),
                // Its connections have the path from their start.
                schema: None,
            });
        }
        Ok(Self {
            tenant: id,
            target: Target::shared(place.server(), place.database_name()),
            schema: separation.schema_of(&tenant)?,
        })
    }
}
