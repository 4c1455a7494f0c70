//! A schema or a database of one tenant's own, with a table in it.
//!
//! There is one tenant: what others have lies elsewhere, and costs this one nothing. Its login and
//! its database are left to the server, which is stopped with all that is on it.

use tenancy_core::{Placement, Tenant, TenantId, TenantScope};
use tenancy_postgres::database::TenantDatabase;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::role::TenantRole;
use tenancy_postgres::schema::{self, SchemaAccess, TenantSchema};
use tenancy_postgres_pool::Separation;
use tenancy_testkit::postgres::Server;
use tenancy_tokio_postgres::apply;
use tokio_postgres::Client;

use crate::Failed;
use crate::case::{Setting, Statements};
use crate::key::Key;
use crate::login::Login;
use crate::place::Place;
use crate::stage::Stage;
use crate::tier::Tier;

/// The type of the tenant's id. No column holds it, so one is enough.
pub const KEY: Key = Key::Text16;
/// The tenant's schema.
const SCHEMA: &str = "acme";
/// Found by the search path.
const TABLE: &str = "notes";

/// One tenant's own.
#[derive(Debug)]
pub struct Own {
    /// The tenant, with its placement.
    pub tenant: Tenant,
    stage: Stage,
    separation: Separation,
    plain_url: String,
    setting: Option<Setting>,
}

impl Own {
    /// Makes it, with so many rows, on a database of its own or beside one.
    ///
    /// # Errors
    /// The database's; and for a tier in which nothing is a tenant's own.
    pub async fn make(server: &Server, tier: Tier, rows: i64) -> Result<Self, Failed> {
        let stage = Stage::bare(server).await?;
        let id = KEY.tenant(1)?;
        match tier {
            Tier::ROUTED_SCHEMAS => Self::routed_schema(stage, id, rows).await,
            Tier::SCHEMA_LOGINS => Self::schema_with_login(stage, id, rows).await,
            Tier::DATABASES => Self::database(stage, id, rows).await,
            _ => Err("the tenants' tables are shared".into()),
        }
    }

    async fn routed_schema(stage: Stage, id: TenantId, rows: i64) -> Result<Self, Failed> {
        let runtime = stage.roles.runtime().clone();
        make_schema(&stage, &id, &SchemaAccess::Routed { runtime }, rows).await?;
        Ok(Self {
            tenant: Tenant::new(id).with_placement(Placement::schema(SCHEMA)),
            separation: Separation::routed_schemas(),
            // (d) has the path from the start too, so that its statements can be prepared; it is set
            // all the same.
            plain_url: with_path(&stage.database.runtime_url()),
            setting: Some(Setting {
                sql: "SELECT set_config('search_path', $1, true)",
                value: SCHEMA,
            }),
            stage,
        })
    }

    async fn schema_with_login(stage: Stage, id: TenantId, rows: i64) -> Result<Self, Failed> {
        let login = make_login(&stage, &id).await?;
        let access = SchemaAccess::Login {
            login: login.name.clone(),
        };
        make_schema(&stage, &id, &access, rows).await?;
        let placement = Placement::schema(SCHEMA).with_credential(login.name.as_str());
        Ok(Self {
            tenant: Tenant::new(id).with_placement(placement),
            separation: Separation::schema_logins(login.credentials()),
            plain_url: with_path(&login.url(&stage.database)),
            setting: None,
            stage,
        })
    }

    async fn database(stage: Stage, id: TenantId, rows: i64) -> Result<Self, Failed> {
        let login = make_login(&stage, &id).await?;
        let name: Identifier = format!("{}_own", stage.database.name()).parse()?;
        let database = TenantDatabase::new(&id, name.clone(), login.name.clone())?;
        let owner = stage.roles.table_owner();
        apply(&stage.admin, database.create(owner)).await?;
        let inside = in_database(&stage.database.admin_url(), &name)?;
        let inside = stage.database.connect(&inside).await?;
        apply(&inside, database.open(owner)).await?;
        make_table(&inside, owner, database.schema(), rows).await?;
        let placement = Placement::database(name.as_str()).with_credential(login.name.as_str());
        Ok(Self {
            tenant: Tenant::new(id).with_placement(placement),
            separation: Separation::databases(login.credentials()),
            plain_url: in_database(&login.url(&stage.database), &name)?,
            setting: None,
            stage,
        })
    }

    /// What an adapter needs for the tenant.
    pub fn place(&self, scope: &TenantScope) -> Place {
        let statements = Statements::unnamed(TABLE);
        Place {
            runtime_url: self.stage.database.runtime_url(),
            plain_url: self.plain_url.clone(),
            roles: self.stage.roles.clone(),
            sealing_key: self.stage.key.clone(),
            separation: self.separation.clone(),
            key: KEY,
            scope: scope.ticket(),
            scoped: statements,
            plain: statements,
            usual: statements,
            setting: self.setting,
        }
    }
}

async fn make_login(stage: &Stage, id: &TenantId) -> Result<Login, Failed> {
    let login = Login::new(format!("{}_tenant", stage.database.name()).parse()?)?;
    let role = TenantRole::new(id, login.name.clone())?;
    apply(&stage.admin, role.create(&login.password)?).await?;
    Ok(login)
}

async fn make_schema(
    stage: &Stage,
    id: &TenantId,
    access: &SchemaAccess,
    rows: i64,
) -> Result<(), Failed> {
    let owner = stage.roles.table_owner();
    let keep = [owner.clone(), stage.roles.central().clone()];
    let schema = TenantSchema::new(id, SCHEMA.parse()?)?;
    let plan = schema::prepare(&keep).then(schema.create(owner, access));
    apply(&stage.admin, plan).await?;
    make_table(&stage.admin, owner, schema.name(), rows).await
}

/// The table that row-level has, without the column of tenants. Who may use it is the default of its
/// schema.
async fn make_table(
    admin: &Client,
    owner: &Identifier,
    schema: &Identifier,
    rows: i64,
) -> Result<(), Failed> {
    let (owner, table) = (owner.quoted(), format!("{}.{TABLE}", schema.quoted()));
    let sql = format!(
        "SET ROLE {owner};
         CREATE TABLE {table} (id bigint NOT NULL, title text NOT NULL);
         INSERT INTO {table} SELECT id, 'title ' || id FROM generate_series(1, {rows}) AS id;
         ALTER TABLE {table} ADD PRIMARY KEY (id);
         RESET ROLE;"
    );
    admin.batch_execute(&sql).await?;
    let vacuum = format!("VACUUM (FREEZE, ANALYZE) {table}");
    admin.batch_execute(&vacuum).await?;
    Ok(admin.batch_execute("CHECKPOINT").await?)
}

/// The same URL, with the tenant's search path from the start.
fn with_path(url: &str) -> String {
    format!("{url}?options=-c%20search_path%3D{SCHEMA}")
}

/// The same URL with another database, which needs no quotes.
fn in_database(url: &str, name: &Identifier) -> Result<String, Failed> {
    let (server, _) = url.rsplit_once('/').ok_or("the URL names no database")?;
    Ok(format!("{server}/{name}", name = name.as_str()))
}
