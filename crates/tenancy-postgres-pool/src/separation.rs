//! How a pool's tenants are kept apart.

use std::fmt;
use std::sync::Arc;

use tenancy_core::{Strategy, Tenant};
use tenancy_postgres::database::TenantDatabase;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::schema::TenantSchema;

use crate::{CredentialProvider, Error};

/// How a pool's tenants are kept apart: the strategy, and who says which tenant a connection is.
/// It is configuration: what is run in a scope is written the same for all of them.
///
/// | | strategy | enforced by | connections |
/// |---|---|---|---|
/// | [`sealed`](Self::sealed) | row-level | the database | shared; each scope is opened with a proof |
/// | [`logins`](Self::logins) | row-level | the database | each tenant's own |
/// | [`routed_schemas`](Self::routed_schemas) | schema-per-tenant | the facade alone | shared; each scope sets the search path |
/// | [`schema_logins`](Self::schema_logins) | schema-per-tenant | the database | each tenant's own |
/// | [`databases`](Self::databases) | database-per-tenant | the database | each tenant's own |
#[derive(Clone)]
pub struct Separation {
    pub(crate) kind: Kind,
    /// What was asked for that this kind does not have.
    pub(crate) misfit: Option<&'static str>,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Sealed,
    Logins {
        logins: TenantLogins,
        credentials: Arc<dyn CredentialProvider>,
    },
    RoutedSchemas {
        shared: Vec<Identifier>,
    },
    SchemaLogins {
        shared: Vec<Identifier>,
        credentials: Arc<dyn CredentialProvider>,
    },
    Databases {
        schema: Option<Identifier>,
        credentials: Arc<dyn CredentialProvider>,
    },
}

impl Separation {
    fn of(kind: Kind) -> Self {
        Self { kind, misfit: None }
    }

    /// Row-level: one login, and a sealed scope that SQL can't forge. What a pool does unless told
    /// otherwise.
    pub fn sealed() -> Self {
        Self::of(Kind::Sealed)
    }

    /// Row-level: a login for each tenant, which the wall reads.
    pub fn logins(logins: TenantLogins, credentials: impl CredentialProvider) -> Self {
        Self::of(Kind::Logins {
            logins,
            credentials: Arc::new(credentials),
        })
    }

    /// A schema for each tenant behind one login. **The facade alone enforces it**: raw SQL that
    /// names another tenant's schema reaches it.
    pub fn routed_schemas() -> Self {
        Self::of(Kind::RoutedSchemas { shared: Vec::new() })
    }

    /// A schema for each tenant, with a login that may use it alone.
    pub fn schema_logins(credentials: impl CredentialProvider) -> Self {
        Self::of(Kind::SchemaLogins {
            shared: Vec::new(),
            credentials: Arc::new(credentials),
        })
    }

    /// A database for each tenant, with a login that may connect to it alone.
    pub fn databases(credentials: impl CredentialProvider) -> Self {
        Self::of(Kind::Databases {
            schema: None,
            credentials: Arc::new(credentials),
        })
    }

    /// Puts a schema behind each tenant's own on the search path, for extensions and for what all
    /// tenants read ([`TenantSchema::with_shared`]). May be called several times. Only where tenants
    /// have schemas: elsewhere the pool does not connect ([`Error::Settings`]).
    pub fn with_shared_schema(mut self, schema: Identifier) -> Self {
        match &mut self.kind {
            Kind::RoutedSchemas { shared } | Kind::SchemaLogins { shared, .. } => {
                shared.push(schema);
            }
            _ => {
                self.misfit = Some(
                    "only tenants with schemas of their own have a shared schema behind them: leave `with_shared_schema` out",
                );
            }
        }
        self
    }

    /// The schema that holds the tables in each tenant's database. `public` unless set. Only where
    /// tenants have databases: elsewhere the pool does not connect ([`Error::Settings`]).
    pub fn in_schema(mut self, name: Identifier) -> Self {
        if let Kind::Databases { schema, .. } = &mut self.kind {
            *schema = Some(name);
        } else {
            self.misfit = Some(
                "only tenants with databases of their own have their tables in one schema of it: leave `in_schema` out",
            );
        }
        self
    }

    /// The strategy that a tenant's placement must name.
    pub fn strategy(&self) -> Strategy {
        match &self.kind {
            Kind::Sealed | Kind::Logins { .. } => Strategy::RowLevel,
            Kind::RoutedSchemas { .. } | Kind::SchemaLogins { .. } => Strategy::SchemaPerTenant,
            Kind::Databases { .. } => Strategy::DatabasePerTenant,
        }
    }

    /// Where the credentials of tenants' own logins are kept, where they have any.
    pub(crate) fn credentials(&self) -> Option<&Arc<dyn CredentialProvider>> {
        match &self.kind {
            Kind::Sealed | Kind::RoutedSchemas { .. } => None,
            Kind::Logins { credentials, .. }
            | Kind::SchemaLogins { credentials, .. }
            | Kind::Databases { credentials, .. } => Some(credentials),
        }
    }

    /// The schema that the tenant's placement names, where tenants have schemas.
    pub(crate) fn schema_of(&self, tenant: &Tenant) -> Result<Option<TenantSchema>, Error> {
        let (Kind::RoutedSchemas { shared } | Kind::SchemaLogins { shared, .. }) = &self.kind
        else {
            return Ok(None);
        };
        let name = tenant.placement().schema_name().ok_or(Error::Placement)?;
        let schema = TenantSchema::new(tenant.id(), Identifier::new(name)?)?;
        let with_shared =
            |schema: TenantSchema, name: &Identifier| schema.with_shared(name.clone());
        Ok(Some(shared.iter().try_fold(schema, with_shared)?))
    }

    /// The database that the tenant's placement names, reached by `login`, where tenants have
    /// databases.
    pub(crate) fn database_of(
        &self,
        tenant: &Tenant,
        login: &Identifier,
    ) -> Result<Option<TenantDatabase>, Error> {
        let Kind::Databases { schema, .. } = &self.kind else {
            return Ok(None);
        };
        let name = tenant.placement().database_name().ok_or(Error::Placement)?;
        let database = TenantDatabase::new(tenant.id(), Identifier::new(name)?, login.clone())?;
        Ok(Some(match schema {
            Some(schema) => database.in_schema(schema.clone())?,
            None => database,
        }))
    }
}

impl fmt::Debug for Separation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Sealed => "Sealed",
            Kind::Logins { .. } => "Logins",
            Kind::RoutedSchemas { .. } => "RoutedSchemas",
            Kind::SchemaLogins { .. } => "SchemaLogins",
            Kind::Databases { .. } => "Databases",
        })
    }
}
