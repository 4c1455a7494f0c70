//! A schema for each tenant.
//!
//! Two tiers, and they differ in who enforces:
//!
//! - **Routed** ([`SchemaAccess::Routed`]): one login reaches every tenant's schema, and each scope
//!   points the `search_path` at one of them. **The facade alone enforces it**: SQL that names
//!   another tenant's schema, or sets the path itself, reaches it. It is no boundary against
//!   injected SQL.
//! - **Login** ([`SchemaAccess::Login`]): each tenant has a login with USAGE on its own schema
//!   alone. PostgreSQL enforces it, whatever SQL runs. `SET ROLE` on a shared login would be no
//!   boundary (`RESET ROLE` ends it), so it isn't offered.
//!
//! In both, the path is the tenant's schema, then the schemas that are
//! [shared by name](TenantSchema::with_shared), then `pg_temp`: named last, or a temporary table
//! would shadow a tenant's. Neither `"$user"` nor `public` is on it unless asked for, so what
//! stands there can't take the place of a tenant's table, function or operator.
//!
//! What no right closes in a database that tenants share, whatever their logins: the catalogs tell
//! the names of others' schemas, tables and logins, the text of their functions and the size of
//! their tables; channels of `NOTIFY` and advisory locks are everybody's. Rows, statistics and
//! running queries of others are out of reach. Where that is too much, give the tenant a
//! [database](crate::database).
//!
//! A schema is its tenant's by its [mark](crate::mark), not by its name: one that was dropped and
//! made again, or restored from elsewhere, is served after it was marked again.

mod bind;
mod plans;

use tenancy_core::TenantId;

pub use bind::{BIND, BindParameters};
pub use plans::prepare;

use crate::Error;
use crate::ident::Identifier;
use crate::identity::{Identity, Judgement};
use crate::settings;

/// The `search_path` of a routed connection that no scope is open on: no tenant's table is found
/// by its name.
pub const RESTING_PATH: &str = "pg_temp";

/// One tenant's schema.
///
/// ```
/// use tenancy_core::TenantId;
/// use tenancy_postgres::schema::TenantSchema;
/// use tenancy_postgres::seal::Binding;
///
/// let schema = TenantSchema::new(&TenantId::new("acme")?, "Acme Inc.".parse()?)?;
/// assert_eq!(schema.search_path(), r#""Acme Inc.", pg_temp"#);
/// // Send `schema.bind_sql(Binding::Transaction)`, and compare what comes back:
/// let answer = [Some(r#""Acme Inc.", pg_temp"#), Some("tenancy: tenant acme"), Some("true")];
/// assert!(schema.is_bound_by(&answer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[must_use]
pub struct TenantSchema {
    tenant: TenantId,
    name: Identifier,
    shared: Vec<Identifier>,
}

/// Who reaches the schema, and so who enforces that nobody else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaAccess {
    /// One login for all tenants. Enforced by the facade alone.
    Routed {
        /// The login that they share.
        runtime: Identifier,
    },
    /// The tenant's own login ([`crate::role`]). Enforced by the database.
    Login {
        /// The tenant's login.
        login: Identifier,
    },
}

impl SchemaAccess {
    /// The login that gets the rights.
    pub fn login(&self) -> &Identifier {
        match self {
            Self::Routed { runtime } => runtime,
            Self::Login { login } => login,
        }
    }
}

impl TenantSchema {
    /// The schema `schema` of `tenant`, its name taken as written: never folded, never cut.
    ///
    /// # Errors
    /// [`Error::ReservedTenantSchema`] for `public`, `tenancy`, `information_schema`, `$user` and
    /// what starts with `pg_`, in upper or lower case. `$user` in a `search_path` means the role's
    /// name, in quotes too.
    pub fn new(tenant: &TenantId, schema: Identifier) -> Result<Self, Error> {
        check_name(&schema)?;
        Ok(Self {
            tenant: tenant.clone(),
            name: schema,
            shared: Vec::new(),
        })
    }

    /// The same schema, with `shared` behind it on the path: for extensions, and for tables that
    /// all tenants read. The tenant's own objects come first, and a tenant can make none there.
    /// Every tenant's login gets USAGE on it.
    ///
    /// # Errors
    /// [`Error::ReservedTenantSchema`] as [`new`](Self::new), but `public` may be shared by name.
    pub fn with_shared(mut self, shared: Identifier) -> Result<Self, Error> {
        if shared.as_str() != "public" {
            check_name(&shared)?;
        }
        if shared == self.name {
            return Err(Error::ReservedTenantSchema {
                reason: "it is shared with other tenants",
            });
        }
        self.shared.push(shared);
        Ok(self)
    }

    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The schema's name.
    pub fn name(&self) -> &Identifier {
        &self.name
    }

    /// The schemas behind it on the path.
    pub fn shared(&self) -> &[Identifier] {
        &self.shared
    }

    /// The value of `search_path`: for the startup options of a tenant's login, and what
    /// [`bind_sql`](Self::bind_sql) sets.
    pub fn search_path(&self) -> String {
        let mut path = self.name.quoted();
        for shared in &self.shared {
            path.push_str(", ");
            path.push_str(&shared.quoted());
        }
        path + ", pg_temp"
    }

    /// The startup options of the tenant's login: [`settings::startup_options`] with this path.
    pub fn startup_options(&self) -> Vec<(&'static str, String)> {
        with_path(&self.search_path())
    }

    /// What each new connection of the tenant's `login` is asked, and how the answer is judged.
    pub fn identity(&self, login: &Identifier) -> Identity {
        Identity::of_schema(self, login)
    }

    /// What each new connection of the tenant's `login` is asked: [`Identity::sql`] with nothing
    /// allowed besides.
    pub fn identity_sql(&self, login: &Identifier) -> String {
        self.identity(login).sql()
    }

    /// Judges the answer to [`identity_sql`](Self::identity_sql).
    ///
    /// # Errors
    /// As [`Identity::judge`].
    pub fn judge_identity(&self, login: &Identifier, answer: &str) -> Result<Judgement, Error> {
        self.identity(login).judge(answer)
    }
}

/// What each new connection of the routed tier's shared login is asked, and how the answer is
/// judged: it owns nothing, runs no DDL and is above no wall. What it can't be judged for is that
/// it reaches every tenant's schema: in this tier it must.
pub fn routed_identity(runtime: &Identifier) -> Identity {
    Identity::of_routed(runtime)
}

/// The startup options of the routed tier's shared login: [`settings::startup_options`] with
/// [`RESTING_PATH`].
pub fn routed_startup_options() -> Vec<(&'static str, String)> {
    with_path(RESTING_PATH)
}

/// The usual startup options, with another path.
pub(crate) fn with_path(path: &str) -> Vec<(&'static str, String)> {
    settings::startup_options()
        .iter()
        .map(|&(name, value)| match name {
            "search_path" => (name, path.to_owned()),
            _ => (name, value.to_owned()),
        })
        .collect()
}

/// Refuses what is the server's, this crate's or everybody's. Upper case is no way around.
pub(crate) fn check_name(schema: &Identifier) -> Result<(), Error> {
    let folded = schema.as_str().to_ascii_lowercase();
    let reason = match folded.as_str() {
        "public" => "the schema public is everybody's",
        "tenancy" => "the schema tenancy holds what enforces tenancy",
        "information_schema" => "the schema information_schema is the server's",
        "$user" => "$user on a search_path means the role's own name, in quotes too",
        _ if folded.starts_with("pg_") => "schemas that start with pg_ are the server's",
        _ => return Ok(()),
    };
    Err(Error::ReservedTenantSchema { reason })
}
