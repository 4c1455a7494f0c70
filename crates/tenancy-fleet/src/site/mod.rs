//! Where tenants' places are: a PostgreSQL server, a MariaDB server, or a folder of `SQLite` files.
//!
//! A [`Site`] makes names of a tenant's id, and reaches what lies there as its administrator: to
//! provision, to migrate, to seed and to remove. No request is served through it.
//!
//! ```
//! # #[cfg(feature = "postgres")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tenancy_core::{Strategy, TenantId};
//! use tenancy_fleet::site::{PostgresSite, Site};
//!
//! let site = Site::from(PostgresSite::new("postgres://admin:secret@db.example/app")?.owner("app_owner")?)
//!     .strategy(Strategy::DatabasePerTenant);
//! let place = site.placement(&TenantId::new("acme")?)?;
//! assert_eq!(place.database_name(), Some("tenant_acme"));
//! assert_eq!(place.credential(), Some("tn_acme"));
//! # Ok(()) }
//! # #[cfg(not(feature = "postgres"))]
//! # fn main() {}
//! ```

mod base;
mod error;
mod examine;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod idle;
#[cfg(feature = "mysql")]
mod mysql;
mod names;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod sites;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;

use tenancy_core::{Placement, Strategy, TenantId};

pub use base::Base;
pub use error::SiteError;
pub use examine::{Finding, Weight};
#[cfg(feature = "mysql")]
pub use mysql::MysqlSite;
#[cfg(feature = "postgres")]
pub use postgres::PostgresSite;
pub use sites::Sites;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteSite;

#[cfg(feature = "mysql")]
pub(crate) use mysql::{comment as mysql_comment, mark as mysql_mark, quoted as mysql_quoted};
pub(crate) use open::{Inside, Open};
#[cfg(feature = "postgres")]
pub(crate) use postgres::identifier;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::{
    connect as sqlite_connect, ensure_marked as sqlite_ensure_marked, not_ours as sqlite_not_ours,
    refused as sqlite_refused,
};

use names::Prefixes;

/// One place for tenants' places: made from a [`PostgresSite`], a [`MysqlSite`] or a [`SqliteSite`].
#[derive(Clone)]
#[must_use]
pub struct Site {
    pub(crate) engine: Engine,
    pub(crate) strategy: Strategy,
    prefixes: Prefixes,
}

/// What is there. The variants are siblings: each has `admin`, `enter` and `placement`.
#[derive(Clone)]
pub(crate) enum Engine {
    #[cfg(feature = "postgres")]
    Postgres(PostgresSite),
    #[cfg(feature = "mysql")]
    Mysql(MysqlSite),
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteSite),
}

impl Site {
    fn of(engine: Engine) -> Self {
        Self {
            engine,
            strategy: Strategy::DatabasePerTenant,
            prefixes: Prefixes::default(),
        }
    }

    /// How tenants are kept apart here. `DatabasePerTenant` unless said otherwise; a schema for
    /// each tenant is PostgreSQL's alone. [`placement`](Self::placement) refuses what can't be.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// What stands before the id in a database's name, instead of `tenant_`. A `SQLite` file is
    /// named for the id alone.
    pub fn database_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.database = prefix.into();
        self
    }

    /// What stands before the id in a schema's name, instead of `tenant_`.
    pub fn schema_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.schema = prefix.into();
        self
    }

    /// What stands before the id in a login's name, instead of `tn_`. A login exists on the whole
    /// server: give each application there a prefix of its own.
    pub fn login_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.login = prefix.into();
        self
    }

    /// The place of a tenant here, by the names that are made of its id.
    ///
    /// # Errors
    /// [`SiteError::Strategy`] where this site can't keep tenants apart in this way;
    /// [`SiteError::Name`] for a name that is too long, reserved, or not of `a-z 0-9 - _`.
    pub fn placement(&self, tenant: &TenantId) -> Result<Placement, SiteError> {
        self.placement_named(tenant.as_str())
    }

    /// Whether places are made ahead of need here.
    pub(crate) fn makes_ahead(&self) -> bool {
        let on_a_server = match &self.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => true,
            #[cfg(feature = "mysql")]
            Engine::Mysql(_) => true,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => false,
        };
        on_a_server && self.strategy != Strategy::RowLevel
    }

    fn placement_named(&self, name: &str) -> Result<Placement, SiteError> {
        match &self.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(site) => site.placement(self.strategy, &self.prefixes, name),
            #[cfg(feature = "mysql")]
            Engine::Mysql(site) => site.placement(self.strategy, &self.prefixes, name),
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(site) => site.placement(self.strategy, &self.prefixes, name),
        }
    }

    /// A URL that leads another library's connection to where `open` is.
    #[cfg(feature = "postgres")]
    pub(crate) fn library_place(&self, open: &Open) -> Result<crate::libraries::Place, SiteError> {
        match &self.engine {
            Engine::Postgres(site) => site.library_place(open),
            #[cfg(any(feature = "mysql", feature = "sqlite"))]
            _ => Err(SiteError::Strategy {
                reason: "other libraries' migrations run on PostgreSQL: use SQL files here",
            }),
        }
    }

    /// A connection inside the tenant's own place, for DDL. `former` is used again where it
    /// reaches there too: tenants' schemas in one database share it.
    ///
    /// It is the tenant's by its mark; anything else is refused.
    pub(crate) async fn enter(
        &self,
        tenant: &TenantId,
        placement: &Placement,
        former: Option<Open>,
    ) -> Result<Open, SiteError> {
        match &self.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(site) => site.enter(tenant, placement, former).await,
            #[cfg(feature = "mysql")]
            Engine::Mysql(site) => site.enter(tenant, placement, former).await,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(site) => site.enter(tenant, placement, former).await,
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
