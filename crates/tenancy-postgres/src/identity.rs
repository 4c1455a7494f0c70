//! Who a connection is, asked of the server when it is made, for every tier that rests on logins
//! rather than on the sealed scope.
//!
//! A pool asks [`Identity::sql`] on a tenant's first connection and serves over no hole that
//! [`Identity::judge`] finds. That looks through every schema and database, so later connections
//! of the same login may be asked [`Identity::fingerprint_sql`], which reads a few rows by index:
//! where it answers the same as before, the login is what it was, in its attributes, memberships,
//! possessions, settings, marks and grants. What it can't see is a grant *to PUBLIC* on another
//! tenant's schema or database, and an object of another's in a view: judge in full again from
//! time to time, and at each start.
//!
//! No finding names another tenant, its schema or its database: what was found there is counted.

mod facts;
mod judge;

use tenancy_core::TenantId;

use crate::Error;
use crate::catalog::SERVER_FUNCTIONS;
use crate::database::TenantDatabase;
use crate::ident::Identifier;
use crate::mark;
use crate::schema::{RESTING_PATH, TenantSchema};
use crate::settings::FROM_ROLE;
use crate::verify::{Finding, qualify};
use facts::Facts;

/// What a login must be, and how to ask.
///
/// ```
/// use tenancy_core::TenantId;
/// use tenancy_postgres::schema::TenantSchema;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let acme = TenantSchema::new(&TenantId::new("acme")?, "acme".parse()?)?;
/// let identity = acme.identity(&"tn_acme".parse()?);
/// // The connection answers one text to `identity.sql()`; here it is somebody else's.
/// assert!(identity.judge("{}").is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Identity {
    tier: Tier,
    login: Identifier,
    search_path: String,
    shared: Vec<Identifier>,
    role_settings: Vec<String>,
    below_floor: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tier {
    /// A tenant's login, with its schema.
    Schema {
        tenant: TenantId,
        schema: Identifier,
    },
    /// The login that all tenants share.
    Routed,
    /// A tenant's login, with its database.
    Database {
        tenant: TenantId,
        database: Identifier,
    },
}

/// What a connection's answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What is not as it must be, holes first. Serve over no [hole](Finding::is_hole).
    pub findings: Vec<Finding>,
    /// What [`Identity::fingerprint_sql`] answers as long as the login stays what it is.
    pub fingerprint: String,
}

impl Judgement {
    /// Whether the connection may serve.
    pub fn may_serve(&self) -> bool {
        !self.findings.iter().any(Finding::is_hole)
    }
}

impl Identity {
    pub(crate) fn of_schema(schema: &TenantSchema, login: &Identifier) -> Self {
        let tier = Tier::Schema {
            tenant: schema.tenant().clone(),
            schema: schema.name().clone(),
        };
        Self {
            shared: schema.shared().to_vec(),
            ..Self::new(tier, login, schema.search_path())
        }
    }

    pub(crate) fn of_routed(runtime: &Identifier) -> Self {
        Self::new(Tier::Routed, runtime, RESTING_PATH.to_owned())
    }

    pub(crate) fn of_database(database: &TenantDatabase) -> Self {
        let tier = Tier::Database {
            tenant: database.tenant().clone(),
            database: database.name().clone(),
        };
        Self::new(tier, database.login(), database.search_path())
    }

    fn new(tier: Tier, login: &Identifier, search_path: String) -> Self {
        Self {
            tier,
            login: login.clone(),
            search_path,
            shared: Vec::new(),
            role_settings: Vec::new(),
            below_floor: false,
        }
    }

    /// Expects a setting that `ALTER ROLE .. SET` gave to the login, as the catalog writes it:
    /// `statement_timeout=5s`. Any other one may have been left there by injected SQL.
    pub fn expect_role_setting(mut self, setting: impl Into<String>) -> Self {
        self.role_settings.push(setting.into());
        self
    }

    /// Lets a server serve that is below the floor of its major (see [`crate::version`]). The
    /// finding stays, as a warning.
    pub fn allow_version_below_floor(mut self) -> Self {
        self.below_floor = true;
        self
    }

    /// The login that the connection must be of.
    pub fn login(&self) -> &Identifier {
        &self.login
    }

    /// One statement that answers one row with one text, for [`judge`](Self::judge). To be run
    /// by the login itself, before anything else on its connection.
    pub fn sql(&self) -> String {
        let functions = SERVER_FUNCTIONS
            .iter()
            .map(|function| format!("'{function}'"))
            .collect::<Vec<_>>()
            .join(", ");
        let shared = self
            .shared
            .iter()
            .map(Identifier::literal)
            .collect::<Vec<_>>()
            .join(", ");
        self.fill(include_str!("identity/facts.sql"))
            .replace("{fingerprint}", &self.fingerprint_sql())
            .replace("{shared}", &format!("ARRAY[{shared}]"))
            .replace("{prefix}", mark::PREFIX)
            .replace("{server_functions}", &functions)
    }

    /// One statement that answers one row with one text, to be compared with
    /// [`Judgement::fingerprint`]. Another text: ask [`sql`](Self::sql), and judge again.
    pub fn fingerprint_sql(&self) -> String {
        self.fill(include_str!("identity/fingerprint.sql"))
    }

    /// Judges the answer to [`sql`](Self::sql).
    ///
    /// # Errors
    /// [`Error::Identity`] when it is no such answer: drop the connection.
    pub fn judge(&self, answer: &str) -> Result<Judgement, Error> {
        let facts: Facts = serde_json::from_str(answer).map_err(|error| Error::Identity {
            line: error.line(),
            column: error.column(),
        })?;
        Ok(Judgement {
            findings: self.findings(&facts),
            fingerprint: facts.fingerprint,
        })
    }

    fn fill(&self, sql: &str) -> String {
        let schema = match &self.tier {
            Tier::Schema { schema, .. } => schema.literal(),
            Tier::Routed | Tier::Database { .. } => "NULL".to_owned(),
        };
        // A tenant that has a login of its own can do this to itself alone.
        let session_settings = match &self.tier {
            Tier::Routed => format!("({FROM_ROLE})"),
            Tier::Schema { .. } | Tier::Database { .. } => "NULL::pg_catalog.text".to_owned(),
        };
        qualify(sql)
            .replace("{schema}", &schema)
            .replace("{session_settings}", &session_settings)
    }
}
