//! Where the suite plays: a database, an administrator who judges, and two tenants.

use std::fmt;

use tenancy_core::TenantId;
use tenancy_postgres::ident::TableName;
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::plan::Plan;
use tenancy_postgres::seal::TenantKind;
use tokio_postgres::Config;

use crate::direct::Direct;
use crate::fixture::Fixture;
use crate::side::{Side, sides};
use crate::verdict::{Stop, Verdict};

/// A database that the suite may play in.
///
/// The judge is a superuser's connection of its own. It belongs into a throw-away database: the
/// suite drops connections of the runtime role, changes that role's settings and puts them back,
/// and a hole that it finds may have been used.
pub struct Stage {
    pub(crate) judge: Direct,
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
    /// Installs `tenancy` and the suite's own tables, in the schema `conformance`, through a
    /// superuser's URL. The roles must exist, and the runtime URL must log in as the runtime one.
    ///
    /// Build the adapter afterwards, on the runtime URL with [`Stage::sealing_key`]: what it
    /// verifies is there then.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn install(
        admin_url: &str,
        runtime_url: &str,
        roles: &Roles,
        kind: TenantKind,
    ) -> Result<Self, StageError> {
        let key = SealingKey::generate(KeyId::new(1)?)?;
        let fixture = Fixture::new(kind);
        let [a, b] = sides(kind);
        let tables = Fixture::own_tables()?;
        let mut stage = Self::open(admin_url, runtime_url, kind, tables, [a, b]).await?;
        stage
            .carry_out(Install::new(roles.clone(), key.clone()).plan())
            .await?;
        let fixtures = fixture.plan(roles)?;
        stage.judge.client.batch_execute(&fixtures.tables).await?;
        stage.carry_out(fixtures.walls).await?;
        stage.key = Some(key);
        stage.has_fixture = true;
        Ok(stage)
    }

    /// Plays on an application's own tables, which are there already, with two tenants that both
    /// have rows in each of them. For [`Suite::own_tables`](crate::Suite::own_tables).
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn attach(
        admin_url: &str,
        runtime_url: &str,
        kind: TenantKind,
        tables: Vec<OwnTable>,
        tenants: [TenantId; 2],
    ) -> Result<Self, StageError> {
        let sides = tenants.map(Side::of_application);
        Self::open(admin_url, runtime_url, kind, tables, sides).await
    }

    async fn open(
        admin_url: &str,
        runtime_url: &str,
        kind: TenantKind,
        tables: Vec<OwnTable>,
        sides: [Side; 2],
    ) -> Result<Self, StageError> {
        let admin: Config = admin_url.parse()?;
        let runtime: Config = runtime_url.parse()?;
        let runtime_role = runtime
            .get_user()
            .ok_or(StageError::NoRuntimeRole)?
            .to_owned();
        let judge = Direct::connect(&admin).await?;
        // A case that left a lock behind is to be seen, not waited for.
        judge
            .client
            .batch_execute("SET lock_timeout = '5s'")
            .await?;
        let about = judge
            .client
            .query_one(
                "SELECT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
                        current_setting('server_version'), current_setting('server_version_num')::int",
                &[],
            )
            .await?;
        if !about.get::<_, bool>(0) {
            return Err(StageError::NotSuperuser);
        }
        let version: String = about.get(1);
        Ok(Self {
            judge,
            admin,
            runtime,
            runtime_role,
            key: None,
            kind,
            tables,
            sides,
            has_fixture: false,
            server_version: version.split(' ').next().unwrap_or_default().to_owned(),
            major: u32::try_from(about.get::<_, i32>(2) / 10_000).unwrap_or_default(),
        })
    }

    async fn carry_out(&self, plan: Plan) -> Result<(), StageError> {
        for step in plan {
            let done = self.judge.simple(step.sql()).await;
            if let (Err(error), false) = (done, step.is_optional()) {
                let message = if step.is_secret() {
                    "its text is secret".into()
                } else {
                    error.message
                };
                return Err(StageError::Step {
                    step: step.name(),
                    message,
                });
            }
        }
        Ok(())
    }

    /// The key that opens scopes here. `None` on a stage that was [attached](Self::attach).
    pub fn sealing_key(&self) -> Option<&SealingKey> {
        self.key.as_ref()
    }

    /// The type of the tenant columns.
    pub fn kind(&self) -> TenantKind {
        self.kind
    }

    /// The judge's word on one value.
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

    /// The runtime role's settings, as statements that make them again.
    pub(crate) async fn role_settings(&self) -> Verdict<String> {
        let role = self.runtime_role.replace('\'', "''");
        self.ask(&format!(
            "SELECT pg_catalog.string_agg(pg_catalog.format('ALTER ROLE %I %s SET %I = %L;', r.rolname, \
                 CASE WHEN d.datname IS NULL THEN '' ELSE pg_catalog.format('IN DATABASE %I', d.datname) END, \
                 pg_catalog.split_part(c, '=', 1), pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)), ' ') \
             FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole \
             LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) AS c \
             WHERE r.rolname = '{role}'"
        ))
        .await
    }

    /// Puts [`role_settings`](Self::role_settings) back, and nothing beside them.
    pub(crate) async fn restore_role_settings(&self, kept: &str) -> Verdict {
        let role = self.runtime_role.replace('"', "\"\"");
        let database = self
            .ask("SELECT pg_catalog.quote_ident(pg_catalog.current_database())")
            .await?;
        self.administer(&format!(
            "ALTER ROLE \"{role}\" RESET ALL; ALTER ROLE \"{role}\" IN DATABASE {database} RESET ALL; {kept}"
        ))
        .await
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
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
