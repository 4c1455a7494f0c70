//! A database and a login for each tenant.
//!
//! PostgreSQL enforces it: a session lives in one database and reaches no other, PUBLIC may not
//! connect to a tenant's, and the tenant's login may connect to its own. Raw SQL is free. The
//! database is marked for its tenant (see [`mark`](crate::mark)), and each new connection is
//! looked at before it serves ([`TenantDatabase::identity`]), so that a wrong placement, a
//! pooler that maps names, a restored or cloned database is found before its first statement.
//!
//! What is left to be seen: the names and comments of databases and roles are everybody's on a
//! server, so use ids that say nothing where tenants run SQL of their own.
//!
//! ```
//! use tenancy_core::TenantId;
//! use tenancy_postgres::database::TenantDatabase;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let id = TenantId::new("acme")?;
//! let acme = TenantDatabase::new(&id, "acme".parse()?, "tn_acme".parse()?)?;
//! let owner = "app_owner".parse()?;
//! let from_any_database = acme.create(&owner); // CREATE DATABASE is a step of its own
//! let inside_it = acme.open(&owner);           // on a connection to the new database
//! assert_eq!(from_any_database.steps().len(), 2);
//! assert_eq!(inside_it.steps().len(), 1);
//! # Ok(()) }
//! ```

mod plans;

use tenancy_core::TenantId;

pub use plans::close;

use crate::Error;
use crate::ident::Identifier;
use crate::identity::{Identity, Judgement};
use crate::role::TenantRole;
use crate::schema::with_path;

/// One tenant's database: whose it is, its name, and the login that may connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct TenantDatabase {
    tenant: TenantId,
    name: Identifier,
    login: TenantRole,
    schema: Identifier,
    template: Identifier,
}

impl TenantDatabase {
    /// The database `database` of `tenant`, reached by `login`. Its tables lie in the schema
    /// `public` unless [said otherwise](Self::in_schema).
    ///
    /// # Errors
    /// [`Error::ReservedDatabase`] for the templates, `postgres`, and what managed services keep
    /// for themselves; [`Error::ReservedRole`] as [`TenantRole::new`].
    pub fn new(tenant: &TenantId, database: Identifier, login: Identifier) -> Result<Self, Error> {
        check_name(&database)?;
        Ok(Self {
            tenant: tenant.clone(),
            login: TenantRole::new(tenant, login)?,
            name: database,
            schema: Identifier::new("public")?,
            template: Identifier::new("template0")?,
        })
    }

    /// The schema that holds the tables, where it is not `public`.
    ///
    /// # Errors
    /// [`Error::ReservedTenantSchema`] for the schemas of the server and of this crate.
    pub fn in_schema(mut self, schema: Identifier) -> Result<Self, Error> {
        if schema.as_str() != "public" {
            crate::schema::check_name(&schema)?;
        }
        self.schema = schema;
        Ok(self)
    }

    /// Makes the database as a copy of `template`, which nobody may be connected to, instead of
    /// the server's pristine `template0`: for one with the tables in it, made in one go. Mind
    /// that a template's data is everybody's.
    pub fn from_template(mut self, template: Identifier) -> Self {
        self.template = template;
        self
    }

    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The database's name.
    pub fn name(&self) -> &Identifier {
        &self.name
    }

    /// The login that may connect to it.
    pub fn login(&self) -> &Identifier {
        self.login.name()
    }

    /// That login as a role, to be created, given a password or dropped.
    pub fn role(&self) -> &TenantRole {
        &self.login
    }

    /// The schema that holds the tables.
    pub fn schema(&self) -> &Identifier {
        &self.schema
    }

    /// The `search_path` to pin: the schema of the tables, then `pg_temp`, last and by name.
    /// `"$user"` is not on it.
    pub fn search_path(&self) -> String {
        format!("{}, pg_temp", self.schema.quoted())
    }

    /// The startup options of the tenant's login: [`crate::settings::startup_options`] with this
    /// path.
    pub fn startup_options(&self) -> Vec<(&'static str, String)> {
        with_path(&self.search_path())
    }

    /// What each new connection is asked, and how the answer is judged.
    pub fn identity(&self) -> Identity {
        Identity::of_database(self)
    }

    /// What each new connection is asked: [`Identity::sql`] with nothing allowed besides.
    pub fn identity_sql(&self) -> String {
        self.identity().sql()
    }

    /// Judges the answer to [`identity_sql`](Self::identity_sql).
    ///
    /// # Errors
    /// As [`Identity::judge`].
    pub fn judge_identity(&self, answer: &str) -> Result<Judgement, Error> {
        self.identity().judge(answer)
    }
}

fn check_name(name: &Identifier) -> Result<(), Error> {
    let folded = name.as_str().to_lowercase();
    let reserved = [
        "template0",
        "template1",
        "postgres",
        "rdsadmin",
        "cloudsqladmin",
        "azure_maintenance",
        "azure_sys",
        "alloydbadmin",
        "defaultdb",
        "pgbouncer",
    ];
    if reserved.contains(&folded.as_str()) || folded.starts_with("pg_") {
        return Err(Error::ReservedDatabase);
    }
    Ok(())
}
