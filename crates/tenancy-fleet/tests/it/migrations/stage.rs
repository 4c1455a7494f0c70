//! A fleet of its own for each test: a registry, and places that were made by hand.

use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use tenancy_core::{TenantId, TenantStatus};
use tenancy_fleet::Fleet;
use tenancy_fleet::migrations::Limits;
use tenancy_fleet::registry::{Actor, Entry, NewTenant, Registry};
use tenancy_fleet::run::Run;
use tenancy_fleet::site::{Base, MysqlSite, PostgresSite, Site, SqliteSite};
use tenancy_sqlite::{Draft, Folder, TenantFile, identity};
use tenancy_testkit::mariadb;
use tenancy_testkit::postgres::{Database, Major, Server};
use tenancy_testkit::proxy::Proxy;

use crate::registry::side::Side;

pub(crate) struct Stage {
    pub(crate) registry: Registry,
    pub(crate) site: Site,
    pub(crate) ground: Ground,
    folder: TempDir,
    base_url: String,
    made: Vec<String>,
}

pub(crate) enum Ground {
    Schemas(Database),
    Databases(Database),
    Mariadb(mariadb::Database),
    Sqlite,
}

impl Stage {
    async fn new(ground: Ground, site: impl FnOnce(&Ground, &TempDir) -> Site) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base_url = match &ground {
            Ground::Schemas(database) | Ground::Databases(database) => database.owner_url(),
            Ground::Mariadb(database) => database.url(),
            Ground::Sqlite => format!("sqlite://{}", folder.path().join("base.db").display()),
        };
        let registry = Registry::builder(base_url.as_str())
            .install()
            .await
            .unwrap();
        Self {
            site: site(&ground, &folder),
            registry,
            ground,
            folder,
            base_url,
            made: Vec::new(),
        }
    }

    pub(crate) async fn schemas() -> Self {
        Self::schemas_on(tenancy_testkit::postgres::majors()[0]).await
    }

    pub(crate) async fn schemas_on(major: Major) -> Self {
        let server = Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        Self::new(Ground::Schemas(database), |ground, _| postgres(ground)).await
    }

    pub(crate) async fn databases() -> Self {
        let major = tenancy_testkit::postgres::majors()[0];
        let server = Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        Self::new(Ground::Databases(database), |ground, _| postgres(ground)).await
    }

    /// `None` where the run was told to do without.
    pub(crate) async fn mariadb() -> Option<Self> {
        if mariadb::is_left_out() {
            return None;
        }
        let server = mariadb::Server::shared().await.unwrap();
        let database = server.database().await.unwrap();
        let prefix = format!("{}_", database.name());
        let admin = server.admin_url().to_owned();
        let site = Site::from(MysqlSite::new(admin).unwrap()).database_prefix(prefix);
        Some(Self::new(Ground::Mariadb(database), |_, _| site).await)
    }

    pub(crate) async fn sqlite() -> Self {
        Self::new(Ground::Sqlite, |_, folder| {
            SqliteSite::new(folder.path().join("tenants"))
                .unwrap()
                .into()
        })
        .await
    }

    pub(crate) fn is_mariadb(&self) -> bool {
        matches!(self.ground, Ground::Mariadb(_))
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.ground, Ground::Sqlite)
    }

    pub(crate) fn is_schemas(&self) -> bool {
        matches!(self.ground, Ground::Schemas(_))
    }

    pub(crate) fn side_url(&self) -> String {
        self.base_url.clone()
    }

    /// The schema that a tenant's tables lie in, on PostgreSQL.
    pub(crate) fn schema(&self, id: &TenantId) -> String {
        let place = self.site.placement(id).unwrap();
        place.schema_name().unwrap_or("public").to_owned()
    }

    /// The server of schemas.
    pub(crate) async fn server(&self) -> &'static Server {
        Server::shared(tenancy_testkit::postgres::majors()[0])
            .await
            .unwrap()
    }

    /// The site of schemas, through a proxy.
    pub(crate) fn site_through(&self, proxy: &Proxy) -> Site {
        let Ground::Schemas(database) = &self.ground else {
            unreachable!()
        };
        let url = proxy.url(&database.admin_url()).unwrap();
        let site = PostgresSite::new(url).unwrap();
        let site = Site::from(site.owner(database.owner_role()).unwrap());
        site.strategy(tenancy_core::Strategy::SchemaPerTenant)
    }

    /// A connection that is in the way of every migration of the table `notes` there.
    pub(crate) async fn hold(&self, id: &TenantId) -> Side {
        let mut side = self.inside(id).await;
        side.run(match &self.ground {
            Ground::Sqlite => "BEGIN IMMEDIATE",
            Ground::Mariadb(_) => "LOCK TABLES notes READ",
            _ => "BEGIN; LOCK TABLE notes",
        })
        .await;
        side
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.ground, Ground::Schemas(_) | Ground::Databases(_))
    }

    pub(crate) fn fleet(&self) -> Fleet {
        Fleet::new(self.registry.clone(), self.site.clone())
    }

    pub(crate) fn base(&self) -> Base {
        Base::new(self.base_url.as_str())
    }

    /// Another program's registry.
    pub(crate) async fn second(&self) -> Fleet {
        let registry = Registry::builder(self.base_url.as_str()).connect().await;
        Fleet::new(registry.unwrap(), self.site.clone())
    }

    /// The base database, beside everything.
    pub(crate) async fn side(&self) -> Side {
        Side::connect(&self.base_url).await
    }

    /// A registered tenant with an empty place.
    pub(crate) async fn tenant(&mut self, name: &str) -> TenantId {
        let id = TenantId::new(name).unwrap();
        self.make(&id).await;
        let place = self.site.placement(&id).unwrap();
        let new = NewTenant::placed(id.clone(), place).status(TenantStatus::Active);
        self.registry.create(new, &ada()).await.unwrap();
        id
    }

    pub(crate) async fn tenants(&mut self, count: usize) -> Vec<TenantId> {
        let mut ids = Vec::new();
        for at in 0..count {
            ids.push(self.tenant(&format!("t{at:03}")).await);
        }
        ids
    }

    /// The place alone.
    pub(crate) async fn make(&mut self, id: &TenantId) {
        let place = self.site.placement(id).unwrap();
        match &self.ground {
            Ground::Schemas(database) => {
                let schema = place.schema_name().unwrap();
                let owner = database.owner_role();
                let mut side = Side::connect(&database.admin_url()).await;
                side.run(&format!(
                    "CREATE SCHEMA \"{schema}\" AUTHORIZATION {owner}; \
                     COMMENT ON SCHEMA \"{schema}\" IS 'tenancy: tenant {id}'"
                ))
                .await;
            }
            Ground::Databases(database) => {
                let name = place.database_name().unwrap().to_owned();
                let owner = database.owner_role();
                let mut side = Side::connect(&database.admin_url()).await;
                side.run(&format!("CREATE DATABASE \"{name}\" OWNER {owner}"))
                    .await;
                side.run(&format!(
                    "COMMENT ON DATABASE \"{name}\" IS 'tenancy: tenant {id}'"
                ))
                .await;
                self.made.push(name);
            }
            Ground::Mariadb(_) => {
                let name = place.database_name().unwrap().to_owned();
                let mut side = Side::connect(&admin_of_mariadb().await).await;
                side.run(&format!(
                    "CREATE DATABASE `{name}` COMMENT 'tenancy: tenant {id}'"
                ))
                .await;
                self.made.push(name);
            }
            Ground::Sqlite => {
                let folder = Folder::open(self.folder.path().join("tenants")).unwrap();
                let draft = Draft::in_folder(&folder).unwrap();
                let url = format!("sqlite://{}", draft.path().display());
                let mut side = Side::connect(&url).await;
                let mark = identity::MARK.join("; ").replace("?1", &format!("'{id}'"));
                side.run(&mark).await;
                side.close().await;
                let file = TenantFile::in_folder(&folder, id);
                assert!(draft.publish(&file).unwrap());
            }
        }
    }

    /// An administrator's connection inside the tenant's place.
    pub(crate) async fn inside(&self, id: &TenantId) -> Side {
        let place = self.site.placement(id).unwrap();
        match &self.ground {
            Ground::Schemas(database) => {
                let mut side = Side::connect(&database.admin_url()).await;
                let schema = place.schema_name().unwrap();
                side.run(&format!(
                    "SET client_min_messages = warning; SET search_path TO \"{schema}\"; SET ROLE {}",
                    database.owner_role()
                ))
                .await;
                side
            }
            Ground::Databases(database) => {
                let name = place.database_name().unwrap();
                let url = database.admin_url();
                let (server, _) = url.rsplit_once('/').unwrap();
                Side::connect(&format!("{server}/{name}")).await
            }
            Ground::Mariadb(_) => {
                let mut side = Side::connect(&admin_of_mariadb().await).await;
                side.run(&format!("USE `{}`", place.database_name().unwrap()))
                    .await;
                side
            }
            Ground::Sqlite => {
                let file = self.folder.path().join(format!("tenants/{id}.db"));
                Side::connect(&format!("sqlite://{}", file.display())).await
            }
        }
    }

    /// The versions in the tenant's ledger, with `!` behind those that were not finished.
    pub(crate) async fn ledger(&self, id: &TenantId) -> String {
        if !self.takes(id, "SELECT version FROM _sqlx_migrations").await {
            return String::new();
        }
        let mut side = self.inside(id).await;
        let mark = "CASE WHEN success THEN '' ELSE '!' END";
        let sql = match &self.ground {
            Ground::Schemas(_) | Ground::Databases(_) => {
                format!("SELECT version::text || {mark} FROM _sqlx_migrations ORDER BY version")
            }
            Ground::Mariadb(_) => {
                format!("SELECT CONCAT(version, {mark}) FROM _sqlx_migrations ORDER BY version")
            }
            Ground::Sqlite => {
                format!(
                    "SELECT CAST(version AS TEXT) || {mark} FROM _sqlx_migrations ORDER BY version"
                )
            }
        };
        let found = side.texts(&sql).await;
        side.close().await;
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether a statement is taken in the tenant's place.
    pub(crate) async fn takes(&self, id: &TenantId, sql: &str) -> bool {
        let mut side = self.inside(id).await;
        let taken = side.try_run(sql).await.is_ok();
        side.close().await;
        taken
    }

    pub(crate) async fn run_inside(&self, id: &TenantId, sql: &str) {
        let mut side = self.inside(id).await;
        side.run(sql).await;
        side.close().await;
    }

    pub(crate) async fn entry(&self, id: &TenantId) -> Entry {
        self.registry.get(id).await.unwrap().unwrap()
    }

    /// Takes the place away.
    pub(crate) async fn unmake(&self, id: &TenantId) {
        let place = self.site.placement(id).unwrap();
        match &self.ground {
            Ground::Schemas(database) => {
                let mut side = Side::connect(&database.admin_url()).await;
                let schema = place.schema_name().unwrap();
                side.run(&format!("DROP SCHEMA \"{schema}\" CASCADE")).await;
            }
            Ground::Databases(database) => {
                let mut side = Side::connect(&database.admin_url()).await;
                let name = place.database_name().unwrap();
                side.run(&format!("DROP DATABASE \"{name}\"")).await;
            }
            Ground::Mariadb(_) => {
                let mut side = Side::connect(&admin_of_mariadb().await).await;
                let name = place.database_name().unwrap();
                side.run(&format!("DROP DATABASE `{name}`")).await;
            }
            Ground::Sqlite => {
                let file = self.folder.path().join(format!("tenants/{id}.db"));
                std::fs::remove_file(file).unwrap();
            }
        }
    }

    /// Takes away what no server does by itself.
    pub(crate) async fn end(self) {
        for name in &self.made {
            match &self.ground {
                Ground::Databases(database) => {
                    let mut side = Side::connect(&database.admin_url()).await;
                    side.run(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"))
                        .await;
                }
                Ground::Mariadb(_) => {
                    let mut side = Side::connect(&admin_of_mariadb().await).await;
                    side.run(&format!("DROP DATABASE IF EXISTS `{name}`")).await;
                }
                _ => {}
            }
        }
    }
}

fn postgres(ground: &Ground) -> Site {
    use tenancy_core::Strategy;
    let (Ground::Schemas(database) | Ground::Databases(database)) = ground else {
        unreachable!()
    };
    let site = PostgresSite::new(database.admin_url()).unwrap();
    let site = Site::from(site.owner(database.owner_role()).unwrap());
    if matches!(ground, Ground::Schemas(_)) {
        site.strategy(Strategy::SchemaPerTenant)
    } else {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        site.database_prefix(format!("{}_{number}_", database.name()))
    }
}

async fn admin_of_mariadb() -> String {
    let server = mariadb::Server::shared().await.unwrap();
    server.admin_url().to_owned()
}

pub(crate) fn ada() -> Actor {
    Actor::new("ada").unwrap()
}

/// Patient for a moment only.
pub(crate) fn run() -> Run {
    let limits = Limits::default()
        .lock(std::time::Duration::from_millis(300))
        .tries(2);
    Run::by(ada()).limits(limits)
}
