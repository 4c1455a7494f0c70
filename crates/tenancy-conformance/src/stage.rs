//! Where the suite plays: a database, an administrator who judges, and two tenants.

mod install;
mod leavings;
mod places;
mod tenant;

use std::fmt;
use std::sync::Arc;

use tenancy_core::Strategy;
use tenancy_postgres::ident::TableName;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::seal::TenantKind;
use tokio_postgres::Config;

use crate::direct::Direct;
use crate::place::literal;
use crate::side::Side;
use crate::tier::Tier;
use crate::verdict::{Stop, Verdict};

use self::leavings::Leavings;
pub use self::tenant::StageTenant;

/// A database that the suite may play in.
///
/// The judge is a superuser's connection of its own. It belongs into a throw-away database: the
/// suite drops connections of the runtime role, changes that role's settings and puts them back,
/// and a hole that it finds may have been used.
pub struct Stage {
    pub(crate) judge: Arc<Direct>,
    pub(crate) tier: Tier,
    admin: Config,
    runtime: Config,
    pub(crate) runtime_role: String,
    pub(crate) key: Option<SealingKey>,
    pub(crate) kind: TenantKind,
    pub(crate) tables: Vec<OwnTable>,
    pub(crate) sides: [Side; 2],
    pub(crate) has_fixture: bool,
    pub(crate) server_version: String,
    pub(crate) major: u32,
    /// On shared tables with tenant logins: what they are called, and the group that they are in.
    logins: Option<TenantLogins>,
    /// What else goes when the stage goes.
    leavings: Leavings,
}

/// A table of the application's own, whose rows belong to tenants.
#[derive(Debug, Clone)]
pub struct OwnTable {
    pub(crate) name: TableName,
    pub(crate) column: String,
}

impl OwnTable {
    /// `table` as `schema.table`, and the column that holds the tenant.
    ///
    /// # Errors
    /// [`StageError::Refused`] when one of them is no name.
    pub fn new(table: &str, tenant_column: &str) -> Result<Self, StageError> {
        let column = tenancy_postgres::ident::Identifier::new(tenant_column)?.quoted();
        Ok(Self {
            name: table.parse()?,
            column,
        })
    }
}

/// Why there is no stage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// A URL does not parse, or the server did not answer.
    #[error(
        "the stage's database can't be reached or did not do what it was asked: check the URLs, and that the administrator is a superuser"
    )]
    Database(#[from] tokio_postgres::Error),
    /// The administrator is none.
    #[error(
        "the stage's administrator is no superuser, so it can't judge what is behind row security: give a superuser's URL"
    )]
    NotSuperuser,
    /// The runtime URL names no user.
    #[error("the stage's runtime URL names no user: the suite attacks as that role")]
    NoRuntimeRole,
    /// A name, key or role was refused.
    #[error(transparent)]
    Refused(#[from] tenancy_postgres::Error),
    /// The fixture's own SQL was refused.
    #[error("the suite's own tables could not be made ({what}), so there is no stage: {message}")]
    Fixture {
        /// Which part.
        what: &'static str,
        /// What the server said.
        message: String,
    },
    /// A step of the installation failed.
    #[error("the step `{step}` of the installation failed, so there is no stage: {message}")]
    Step {
        /// The step's name.
        step: &'static str,
        /// What the server said.
        message: String,
    },
}

impl Stage {
    /// The key that opens scopes here. `None` on a stage that was [attached](Self::attach).
    pub fn sealing_key(&self) -> Option<&SealingKey> {
        self.key.as_ref()
    }

    /// The type of the tenant columns.
    pub fn kind(&self) -> TenantKind {
        self.kind
    }

    /// What the tenants' logins are called, and the group that they are in. `None` but in
    /// [`Tier::RowLevelLogins`].
    pub fn logins(&self) -> Option<&TenantLogins> {
        self.logins.as_ref()
    }

    /// How the tenants are kept apart.
    pub fn strategy(&self) -> Strategy {
        self.tier.strategy()
    }

    /// The same, with who enforces it.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// The two tenants: who they are, where they live, and what they log in with.
    pub fn tenants(&self) -> [StageTenant<'_>; 2] {
        let [a, b] = &self.sides;
        [StageTenant::new(a), StageTenant::new(b)]
    }

    /// A connection as the runtime role, past the adapter: an attacker who knows the password.
    pub(crate) async fn attacker(&self) -> Verdict<Direct> {
        Direct::connect(&self.runtime)
            .await
            .map_err(|error| Stop::failed(format!("the runtime role can't log in: {error}")))
    }

    /// A second connection of the administrator's.
    pub(crate) async fn second_judge(&self) -> Verdict<Direct> {
        Ok(Direct::connect(&self.admin).await?)
    }

    /// The settings of a role, as statements that make them again.
    pub(crate) async fn role_settings(&self, role: &str) -> Verdict<String> {
        self.ask(&format!(
            "SELECT pg_catalog.string_agg(pg_catalog.format('ALTER ROLE %I %s SET %I = %L;', r.rolname, \
                 CASE WHEN d.datname IS NULL THEN '' ELSE pg_catalog.format('IN DATABASE %I', d.datname) END, \
                 pg_catalog.split_part(c, '=', 1), pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)), ' ') \
             FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole \
             LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) AS c \
             WHERE r.rolname = {}",
            literal(role)
        ))
        .await
    }

    /// Puts [`role_settings`](Self::role_settings) back, and nothing beside them.
    pub(crate) async fn restore_role_settings(&self, role: &str, kept: &str) -> Verdict {
        self.administer(&format!(
            "DO $do$ DECLARE d name; BEGIN \
             EXECUTE pg_catalog.format('ALTER ROLE %I RESET ALL', {role}); \
             FOR d IN SELECT datname FROM pg_catalog.pg_db_role_setting s \
             JOIN pg_catalog.pg_database b ON b.oid = s.setdatabase \
             JOIN pg_catalog.pg_roles r ON r.oid = s.setrole WHERE r.rolname = {role} \
             LOOP EXECUTE pg_catalog.format('ALTER ROLE %I IN DATABASE %I RESET ALL', {role}, d); END LOOP; \
             END $do$; {kept}",
            role = literal(role)
        ))
        .await
    }

    /// The judge's word on one value, in the database where the stage was installed.
    pub(crate) async fn ask(&self, sql: &str) -> Verdict<String> {
        match self.judge.value(sql).await {
            Ok(value) => Ok(value.unwrap_or_default()),
            Err(error) => Err(Stop::failed(format!(
                "the judge could not look ({sql}): {error}"
            ))),
        }
    }

    /// The administrator does something, as part of an attack's setting.
    pub(crate) async fn administer(&self, sql: &str) -> Verdict {
        match self.judge.simple(sql).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Stop::failed(format!(
                "the administrator's part failed ({sql}): {error}"
            ))),
        }
    }

    /// A role that the tenants' logins are members of by design.
    pub(crate) fn group(&self) -> Option<&str> {
        Some(self.logins.as_ref()?.group().as_str())
    }

    /// A condition on `pg_stat_activity`: the connections of whoever serves the tenants.
    pub(crate) fn connections(&self) -> String {
        let mut condition = format!(
            "((usename = {} AND datname = {})",
            literal(&self.runtime_role),
            literal(self.runtime.get_dbname().unwrap_or(&self.runtime_role))
        );
        for login in self.sides.iter().filter_map(|side| side.login.as_ref()) {
            condition.push_str(" OR usename = ");
            condition.push_str(&literal(&login.role));
        }
        condition + ")"
    }

    /// The key, or no case.
    pub(crate) fn key(&self) -> Verdict<&SealingKey> {
        self.key
            .as_ref()
            .ok_or_else(|| Stop::skipped("this stage has no sealing key"))
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("server_version", &self.server_version)
            .field("tier", &self.tier)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
