//! Installing a stage, for each way of keeping tenants apart.

use std::sync::Arc;

use secrecy::SecretString;
use tenancy_core::TenantId;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::plan::Plan;
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::wall::{SharedTable, Wall};
use tokio_postgres::Config;

use super::leavings::Leavings;
use super::{OwnTable, Stage, StageError};
use crate::direct::Direct;
use crate::fixture::{self, TABLES, Tables};
use crate::place::Place;
use crate::side::{Person, Side, of_application, persons};
use crate::tier::Tier;

/// The schema of tables that tenants share.
const SHARED: &str = "conformance";

impl Stage {
    /// A stage of this tier, in a throw-away database, through a superuser's URL. The roles must
    /// exist, and the runtime URL must log in as the runtime one; in the tiers where each tenant
    /// has a login, nobody is served through it.
    ///
    /// Build the adapter afterwards, with what [`Stage::sealing_key`] and [`Stage::tenants`] say:
    /// what it verifies is there then.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn set(
        tier: Tier,
        admin_url: &str,
        runtime_url: &str,
        roles: &Roles,
        kind: TenantKind,
    ) -> Result<Self, StageError> {
        let persons = persons(kind, tier == Tier::RowLevelLogins);
        let tables = fixture::own_tables()?;
        let mut stage = Self::open(tier, admin_url, runtime_url, kind, tables, persons).await?;
        match tier {
            Tier::RowLevelSealed | Tier::RowLevelPooled => stage.seal(roles).await?,
            Tier::RowLevelLogins => stage.wall_for_logins(roles).await?,
            Tier::SchemaRouted | Tier::SchemaLogins => stage.make_schemas(roles).await?,
            Tier::Databases => stage.make_databases(roles).await?,
        }
        stage.has_fixture = true;
        Ok(stage)
    }

    /// Row-level with the sealed scope: `tenancy`, and the suite's own tables in the schema
    /// `conformance`.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn install(
        admin_url: &str,
        runtime_url: &str,
        roles: &Roles,
        kind: TenantKind,
    ) -> Result<Self, StageError> {
        Self::set(Tier::RowLevelSealed, admin_url, runtime_url, roles, kind).await
    }

    /// The same, with a runtime URL that leads through a transaction pooler.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn install_pooled(
        admin_url: &str,
        pooled_url: &str,
        roles: &Roles,
        kind: TenantKind,
    ) -> Result<Self, StageError> {
        Self::set(Tier::RowLevelPooled, admin_url, pooled_url, roles, kind).await
    }

    /// Row-level with a login for each of the two tenants.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn install_logins(
        admin_url: &str,
        runtime_url: &str,
        roles: &Roles,
        kind: TenantKind,
    ) -> Result<Self, StageError> {
        Self::set(Tier::RowLevelLogins, admin_url, runtime_url, roles, kind).await
    }

    /// A schema for each of the two tenants: of [`Tier::SchemaLogins`] where `logins`, or else of
    /// [`Tier::SchemaRouted`].
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn install_schemas(
        admin_url: &str,
        runtime_url: &str,
        roles: &Roles,
        kind: TenantKind,
        logins: bool,
    ) -> Result<Self, StageError> {
        let tier = if logins {
            Tier::SchemaLogins
        } else {
            Tier::SchemaRouted
        };
        Self::set(tier, admin_url, runtime_url, roles, kind).await
    }

    /// A database for each of the two tenants, beside the one that the URLs name.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn install_databases(
        admin_url: &str,
        runtime_url: &str,
        roles: &Roles,
        kind: TenantKind,
    ) -> Result<Self, StageError> {
        Self::set(Tier::Databases, admin_url, runtime_url, roles, kind).await
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
        let persons = tenants.map(of_application);
        let tier = Tier::RowLevelSealed;
        Self::open(tier, admin_url, runtime_url, kind, tables, persons).await
    }

    async fn open(
        tier: Tier,
        admin_url: &str,
        runtime_url: &str,
        kind: TenantKind,
        tables: Vec<OwnTable>,
        persons: [Person; 2],
    ) -> Result<Self, StageError> {
        let admin: Config = admin_url.parse()?;
        let runtime: Config = runtime_url.parse()?;
        let runtime_role = runtime
            .get_user()
            .ok_or(StageError::NoRuntimeRole)?
            .to_owned();
        let judge = Arc::new(judge(&admin).await?);
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
        let sides = persons.map(|person| Side::shared(person, Place::new(judge.clone(), SHARED)));
        Ok(Self {
            leavings: Leavings::none(&admin),
            judge,
            tier,
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
            logins: None,
        })
    }

    async fn seal(&mut self, roles: &Roles) -> Result<(), StageError> {
        let key = SealingKey::generate(KeyId::new(1)?)?;
        self.carry_out(Install::new(roles.clone(), key.clone()).plan())
            .await?;
        let readers: Vec<&Identifier> = roles.serving().collect();
        self.share_tables(roles, &readers).await?;
        self.carry_out(walls(self.kind, roles, |wall| wall, |shared| shared)?)
            .await?;
        self.key = Some(key);
        Ok(())
    }

    async fn wall_for_logins(&mut self, roles: &Roles) -> Result<(), StageError> {
        let prefix = prefix()?;
        let group: Identifier = format!("g{prefix}tenants").parse()?;
        let logins = TenantLogins::new(group.clone(), &prefix)?;
        self.leavings.role(group.as_str());
        let install = Install::without_key(roles.clone()).plan();
        self.carry_out(install.then(logins.install(roles)?)).await?;
        self.share_tables(roles, &[&group]).await?;
        let walls = walls(
            self.kind,
            roles,
            |wall| wall.for_logins(&logins),
            |shared| shared.for_logins(&logins),
        )?;
        self.carry_out(walls).await?;
        for at in 0..2 {
            let (id, password) = (self.sides[at].id.clone(), password()?);
            let login = logins.login(self.kind, &id)?;
            self.leavings.role(login.as_str());
            self.carry_out(logins.create_login(self.kind, &id, &password)?)
                .await?;
            self.let_in(at, &login, password, None);
        }
        self.logins = Some(logins);
        Ok(())
    }

    /// The fixture's tables in one schema, without their walls.
    async fn share_tables(&self, roles: &Roles, readers: &[&Identifier]) -> Result<(), StageError> {
        let owner = roles.table_owner();
        let readers: Vec<String> = readers.iter().map(|role| role.quoted()).collect();
        let readers = readers.join(", ");
        let tables = Tables {
            schema: SHARED,
            kind: self.kind,
            owner,
            readers: &readers,
            tenant: None,
        };
        let sql = format!(
            "DROP SCHEMA IF EXISTS {SHARED} CASCADE; \
             CREATE SCHEMA {SHARED} AUTHORIZATION {owner}; \
             GRANT USAGE ON SCHEMA {SHARED} TO {readers}, {central}; {tables}",
            central = roles.central().quoted(),
            owner = owner.quoted(),
            tables = tables.sql()
        );
        run(&self.judge, "shared tables", &sql).await
    }

    pub(super) async fn carry_out(&self, plan: Plan) -> Result<(), StageError> {
        carry_out(&self.judge, plan).await
    }
}

pub(super) async fn carry_out(judge: &Direct, plan: Plan) -> Result<(), StageError> {
    for step in plan {
        let done = judge.simple(step.sql()).await;
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

/// The walls of the fixture's shared tables, and the declaration of the one that has none.
fn walls(
    kind: TenantKind,
    roles: &Roles,
    wall_for: impl Fn(Wall) -> Wall,
    shared_for: impl Fn(SharedTable) -> SharedTable,
) -> Result<Plan, StageError> {
    let mut walls = Plan::default();
    for table in TABLES {
        let wall = Wall::new(fixture::shared(table)?, "tenant_id".parse()?, kind)?;
        walls = walls.then(wall_for(wall).plan(roles));
    }
    let plans = SharedTable::read_only(fixture::shared("plans")?)?;
    Ok(walls.then(shared_for(plans).plan(roles)))
}

/// Logins and databases are the server's: no other stage has names that start with this.
pub(super) fn prefix() -> Result<String, StageError> {
    Ok(format!("c{}_", &Nonce::random()?.as_str()[..8]))
}

pub(super) fn password() -> Result<SecretString, StageError> {
    Ok(SecretString::from(Nonce::random()?.as_str()))
}

pub(super) async fn judge(admin: &Config) -> Result<Direct, StageError> {
    let judge = Direct::connect(admin).await?;
    // A case that left a lock behind is to be seen, not waited for.
    judge
        .client
        .batch_execute("SET lock_timeout = '5s'")
        .await?;
    Ok(judge)
}

async fn run(judge: &Direct, what: &'static str, sql: &str) -> Result<(), StageError> {
    match judge.simple(sql).await {
        Ok(_) => Ok(()),
        Err(error) => Err(StageError::Fixture {
            what,
            message: error.message,
        }),
    }
}
