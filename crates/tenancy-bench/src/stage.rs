//! The server, its tables and their tenants.

use tenancy_core::{Error as ScopeError, MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::wall::Wall;
use tenancy_postgres_pool::Separation;
use tenancy_testkit::postgres::{Database, Major, Server};
use tokio::sync::oneshot;
use tokio_postgres::Client;

use crate::Failed;
use crate::case::{Setting, Statements};
use crate::key::Key;
use crate::login::Login;
use crate::place::Place;

/// The table behind the wall.
pub const WALLED: &str = "public.notes";
/// The same table without one, which the runtime role does not reach.
const OPEN: &str = "open.notes";
/// The same table with the usual policy, over a plain setting.
const USUAL: &str = "usual.notes";

/// How much data there is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Tenants.
    pub tenants: u32,
    /// Rows of each.
    pub rows: i64,
}

/// One database, whose walls read the sealed scope or the login.
#[derive(Debug)]
pub struct Stage {
    /// The database with its roles.
    pub database: Database,
    /// The roles of the installation.
    pub roles: Roles,
    /// Opens scopes.
    pub key: SealingKey,
    /// A superuser's connection, past every proxy.
    pub admin: Client,
    /// Where each tenant has a login.
    logins: Option<TenantLogins>,
}

/// A server with room for benchmarks, on which nothing runs by itself, and with these settings.
///
/// # Errors
/// The test kit's.
pub async fn serve(settings: &[(&str, &str)]) -> Result<Server, Failed> {
    let usual = [
        ("max_connections", "300"),
        ("shared_buffers", "1GB"),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "1h"),
        ("autovacuum", "off"),
    ];
    let builder = usual
        .iter()
        .chain(settings)
        .fold(Server::builder(Major::V18), |builder, (name, value)| {
            builder.setting(*name, *value)
        });
    Ok(builder.start().await?)
}

impl Stage {
    /// A server for benchmarks: everything in memory, and nothing that runs by itself.
    ///
    /// # Errors
    /// The test kit's.
    pub async fn server() -> Result<Server, Failed> {
        serve(&[]).await
    }

    /// A database of its own with the sealed scope, without tables.
    ///
    /// # Errors
    /// The database's.
    pub async fn sealed(server: &Server) -> Result<Self, Failed> {
        let stage = Self::bare(server).await?;
        let install = Install::new(stage.roles.clone(), stage.key.clone());
        tenancy_tokio_postgres::install(&stage.admin, &install).await?;
        Ok(stage)
    }

    /// A database of its own for tenants with logins, without tables.
    ///
    /// # Errors
    /// The database's.
    pub async fn for_logins(server: &Server) -> Result<Self, Failed> {
        let mut stage = Self::bare(server).await?;
        let install = Install::without_key(stage.roles.clone());
        tenancy_tokio_postgres::install(&stage.admin, &install).await?;
        let name = stage.database.name();
        let logins = TenantLogins::new(format!("{name}_tenants").parse()?, "b_")?;
        tenancy_tokio_postgres::apply(&stage.admin, logins.install(&stage.roles)?).await?;
        stage.logins = Some(logins);
        Ok(stage)
    }

    /// A database of its own with its roles, and nothing else.
    ///
    /// # Errors
    /// The database's.
    pub async fn bare(server: &Server) -> Result<Self, Failed> {
        let database = server.database().await?;
        let admin = database.admin().await?;
        let roles = Roles::new(
            database.runtime_role().parse()?,
            database.central_role().parse()?,
            database.owner_role().parse()?,
        )?;
        Ok(Self {
            database,
            roles,
            key: SealingKey::generate(KeyId::new(1)?)?,
            admin,
            logins: None,
        })
    }

    /// How a pool keeps the tenants apart here. Where they have logins, this tenant gets one.
    ///
    /// # Errors
    /// The database's.
    pub async fn separation(&self, key: Key, tenant: &TenantId) -> Result<Separation, Failed> {
        let Some(logins) = &self.logins else {
            return Ok(Separation::sealed());
        };
        let login = Login::new(logins.login(key.kind(), tenant)?)?;
        let plan = logins.create_login(key.kind(), tenant, &login.password)?;
        tenancy_tokio_postgres::apply(&self.admin, plan).await?;
        Ok(Separation::logins(logins.clone(), login.credentials()))
    }

    /// The three tables with this key, filled, in place of those that were there.
    ///
    /// # Errors
    /// The database's.
    pub async fn fill(&self, key: Key, size: Size) -> Result<(), Failed> {
        let owner = self.database.owner_role();
        let Size { tenants, rows } = size;
        let (column, tenant) = (key.column(), key.sql());
        let mut sql = vec![format!(
            "DROP SCHEMA IF EXISTS open, usual CASCADE; DROP TABLE IF EXISTS {WALLED};
             SET ROLE {owner}; CREATE SCHEMA open; CREATE SCHEMA usual;"
        )];
        for table in [WALLED, OPEN, USUAL] {
            sql.push(format!(
                "CREATE TABLE {table} (tenant_id {column} NOT NULL, id bigint NOT NULL, title text NOT NULL);
                 INSERT INTO {table} SELECT {tenant}, id, 'title ' || id
                   FROM generate_series(1, {tenants}) AS n, generate_series(1, {rows}) AS id;
                 ALTER TABLE {table} ADD PRIMARY KEY (tenant_id, id);"
            ));
        }
        let setting = format!("current_setting('app.tenant', true)::{}", key.kind());
        sql.push(format!(
            "ALTER TABLE {USUAL} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY,
               ALTER COLUMN tenant_id SET DEFAULT {setting};
             CREATE POLICY tenant ON {USUAL} USING (tenant_id = {setting}) WITH CHECK (tenant_id = {setting});
             RESET ROLE;"
        ));
        self.admin.batch_execute(&sql.concat()).await?;
        let wall = Wall::new(WALLED.parse()?, "tenant_id".parse()?, key.kind())?;
        let wall = match &self.logins {
            Some(logins) => wall.for_logins(logins),
            None => wall,
        };
        tenancy_tokio_postgres::apply_wall(&self.admin, &wall, &self.roles).await?;
        for table in [WALLED, OPEN, USUAL] {
            let vacuum = format!("VACUUM (FREEZE, ANALYZE) {table}");
            self.admin.batch_execute(&vacuum).await?;
        }
        Ok(self.admin.batch_execute("CHECKPOINT").await?)
    }

    /// What an adapter needs for one tenant of these tables.
    pub fn place(&self, key: Key, scope: &TenantScope, separation: &Separation) -> Place {
        let tenant = scope.tenant_id().as_str();
        Place {
            runtime_url: self.database.runtime_url(),
            plain_url: self.database.owner_url(),
            roles: self.roles.clone(),
            sealing_key: self.key.clone(),
            separation: separation.clone(),
            key,
            scope: scope.ticket(),
            scoped: Statements::unnamed(WALLED),
            plain: Statements::named(OPEN, tenant),
            usual: Statements::unnamed(USUAL),
            setting: Some(Setting {
                sql: "SELECT set_config('app.tenant', $1, true)",
                value: tenant.to_owned().leak(),
            }),
        }
    }
}

/// A tenant's scope that stays open until this is dropped.
#[derive(Debug)]
pub struct Held {
    /// Its ticket.
    pub scope: TenantScope,
    _end: oneshot::Sender<()>,
}

/// Serves these tenants.
pub fn tenancy(tenants: Vec<Tenant>) -> Tenancy {
    Tenancy::builder(MemoryStore::new(tenants))
        .without_requests()
        .build()
}

/// Opens a tenant's scope, and keeps it open.
///
/// # Errors
/// Where the tenant is refused.
pub async fn hold(tenancy: &Tenancy, tenant: TenantId) -> Result<Held, Failed> {
    let (give, take) = oneshot::channel();
    let (end, ended) = oneshot::channel::<()>();
    let tenancy = tenancy.clone();
    tokio::spawn(async move {
        let work = async |scope: &TenantScope| -> Result<(), ScopeError> {
            let _given = give.send(scope.ticket());
            let _over = ended.await;
            Ok(())
        };
        tenancy.run(tenant, work).await
    });
    Ok(Held {
        scope: take.await?,
        _end: end,
    })
}
