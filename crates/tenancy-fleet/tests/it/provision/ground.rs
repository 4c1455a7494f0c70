//! A fleet of its own for each test, with names that no other test has, and an administrator beside
//! it who sees what is really there.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tenancy_core::{Strategy, TenantId};
use tenancy_fleet::Fleet;
use tenancy_fleet::provision::Confirmed;
use tenancy_fleet::registry::{Entry, List, Registry};
use tenancy_fleet::site::{MysqlSite, PostgresSite, Site, SqliteSite};
use tenancy_testkit::postgres::Major;
use tenancy_testkit::{mariadb, postgres};

use crate::registry::ada;
use crate::registry::side::Side;
use crate::registry::stage::Stage;

pub(crate) struct Ground {
    pub(crate) registry: Registry,
    pub(crate) fleet: Fleet,
    /// What stands before an id in the names of databases, schemas and logins.
    pub(crate) prefix: String,
    pub(crate) kind: Kind,
    admin_url: String,
    stage: Stage,
}

pub(crate) enum Kind {
    Sqlite(TempDir),
    Databases,
    Schemas,
    Mariadb,
}

impl Ground {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = SqliteSite::new(folder.path().join("tenants")).unwrap();
        let kind = Kind::Sqlite(folder);
        Self::of(
            Stage::sqlite(),
            site.into(),
            kind,
            String::new(),
            String::new(),
        )
        .await
    }

    pub(crate) async fn postgres_databases(major: Major) -> Self {
        Self::postgres(major, Kind::Databases).await
    }

    pub(crate) async fn postgres_schemas(major: Major) -> Self {
        let ground = Self::postgres(major, Kind::Schemas).await;
        let database = ground.postgres_database();
        let keep = [database.owner_role(), database.runtime_role()];
        ground.fleet.prepare(&keep).await.unwrap();
        ground
    }

    async fn postgres(major: Major, kind: Kind) -> Self {
        let stage = Stage::postgres(major).await;
        let database = stage.as_postgres().unwrap();
        let (admin, owner) = (database.admin_url(), database.owner_role().to_owned());
        let prefix = format!("{}_", database.name());
        let strategy = match kind {
            Kind::Schemas => Strategy::SchemaPerTenant,
            _ => Strategy::DatabasePerTenant,
        };
        let site = PostgresSite::new(admin.as_str()).unwrap();
        let site = Site::from(site.owner(&owner).unwrap()).strategy(strategy);
        Self::of(stage, site, kind, prefix, admin).await
    }

    /// `None` where the run was told to do without.
    pub(crate) async fn mariadb() -> Option<Self> {
        let stage = Stage::mariadb().await?;
        let server = mariadb::Server::shared().await.unwrap();
        let admin = server.admin_url().to_owned();
        let prefix = format!("{}_", stage.url.rsplit('/').next().unwrap());
        let site = MysqlSite::new(admin.as_str()).unwrap();
        Some(Self::of(stage, site.into(), Kind::Mariadb, prefix, admin).await)
    }

    async fn of(stage: Stage, site: Site, kind: Kind, prefix: String, admin_url: String) -> Self {
        let registry = stage.registry().await;
        let site = site
            .database_prefix(&prefix)
            .schema_prefix(&prefix)
            .login_prefix(&prefix);
        Self {
            fleet: Fleet::new(registry.clone(), site),
            registry,
            prefix,
            kind,
            admin_url,
            stage,
        }
    }

    /// Another process with the same registry and the same servers.
    pub(crate) async fn another(&self) -> Fleet {
        let registry = self.stage.builder().connect().await.unwrap();
        Fleet::new(registry, self.fleet.sites().clone())
    }

    pub(crate) fn postgres_database(&self) -> &postgres::Database {
        self.stage.as_postgres().unwrap()
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.kind, Kind::Sqlite(_))
    }

    pub(crate) fn folder(&self) -> PathBuf {
        match &self.kind {
            Kind::Sqlite(folder) => folder.path().join("tenants"),
            _ => unreachable!("no folder of files"),
        }
    }

    /// The administrator, where tenants' things are seen: their names are in catalogs.
    pub(crate) async fn admin(&self) -> Side {
        Side::connect(&self.admin_url).await
    }

    /// The administrator inside a tenant's place.
    pub(crate) async fn inside(&self, id: &TenantId) -> Side {
        let (name, _) = self.names(id).await;
        match &self.kind {
            Kind::Sqlite(_) => {
                Side::connect(&format!("sqlite://{}", self.file(id).display())).await
            }
            Kind::Databases | Kind::Mariadb => {
                Side::connect(&with_database(&self.admin_url, &name)).await
            }
            Kind::Schemas => {
                let mut side = self.admin().await;
                side.run(&format!("SET search_path = \"{name}\"")).await;
                side
            }
        }
    }

    /// The names of a tenant's database or schema, and of its login: as they are recorded, or as they
    /// would be.
    async fn names(&self, id: &TenantId) -> (String, String) {
        let entry = self.registry.get(id).await.unwrap();
        let plain = format!("{}{id}", self.prefix);
        let recorded = entry.as_ref().and_then(Entry::placement);
        let place = recorded.and_then(|place| place.schema_name().or(place.database_name()));
        let login = recorded.and_then(|place| place.credential());
        (
            place.unwrap_or(&plain).to_owned(),
            login.unwrap_or(&plain).to_owned(),
        )
    }

    pub(crate) fn file(&self, id: &TenantId) -> PathBuf {
        self.folder().join(format!("{id}.db"))
    }

    /// The tenant's own login, by the credential in the registry, in the place of `place`.
    pub(crate) async fn login(&self, id: &TenantId, place: &TenantId) -> Result<Side, sqlx::Error> {
        let credential = self.registry.credential(id).await.unwrap();
        let password = credential.password().expose_secret().to_owned();
        self.login_with(id, &password, place).await
    }

    pub(crate) async fn login_with(
        &self,
        id: &TenantId,
        password: &str,
        place: &TenantId,
    ) -> Result<Side, sqlx::Error> {
        let (name, _) = self.names(place).await;
        let (_, user) = self.names(id).await;
        let (scheme, rest) = self.admin_url.split_once("://").unwrap();
        let (_, host) = rest.rsplit_once('@').unwrap();
        let url = format!("{scheme}://{user}:{password}@{host}");
        match self.kind {
            Kind::Schemas => {
                let mut side = Side::try_connect(&url).await?;
                side.try_run(&format!("SET search_path = \"{name}\""))
                    .await?;
                Ok(side)
            }
            _ => Side::try_connect(&with_database(&url, &name)).await,
        }
    }

    /// How many things of this tenant's name there are: databases, schemas, logins, files.
    pub(crate) async fn things(&self, id: &TenantId) -> i64 {
        let (name, login) = self.names(id).await;
        match &self.kind {
            Kind::Sqlite(_) => {
                let files = std::fs::read_dir(self.folder()).unwrap();
                let own = |name: String| name.starts_with(&format!("{id}.db")) || name.starts_with(".new-");
                let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
                i64::try_from(names.filter(|name| own(name.clone())).count()).unwrap()
            }
            Kind::Databases | Kind::Schemas => {
                self.admin()
                    .await
                    .number(&format!(
                        "SELECT (SELECT count(*) FROM pg_database WHERE datname = '{name}') \
                         + (SELECT count(*) FROM pg_namespace WHERE nspname = '{name}') \
                         + (SELECT count(*) FROM pg_roles WHERE rolname = '{login}')"
                    ))
                    .await
            }
            Kind::Mariadb => {
                self.admin()
                    .await
                    .number(&format!(
                        "SELECT CAST((SELECT count(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}') \
                         + (SELECT count(*) FROM mysql.user WHERE User = '{login}') AS SIGNED)"
                    ))
                    .await
            }
        }
    }

    /// Makes a table of notes in a tenant's place, as its owner does, with one note.
    pub(crate) async fn furnish(&self, id: &TenantId, note: &str) {
        let mut inside = self.inside(id).await;
        if matches!(self.kind, Kind::Databases | Kind::Schemas) {
            let owner = self.postgres_database().owner_role();
            inside.run(&format!("SET ROLE {owner}")).await;
        }
        inside
            .run("CREATE TABLE notes (id int PRIMARY KEY, title varchar(100))")
            .await;
        inside
            .run(&format!("INSERT INTO notes VALUES (1, '{note}')"))
            .await;
    }

    /// Removes all places, for servers that outlive the test.
    pub(crate) async fn clear(self) {
        let entries: Vec<Entry> = self
            .registry
            .list(&List::default().limit(1_000))
            .await
            .unwrap();
        for entry in entries {
            let confirmed = Confirmed::new(entry.id(), entry.id().as_str()).unwrap();
            let _ = self.fleet.offboard(entry.id(), &confirmed, &ada()).await;
        }
    }
}

fn with_database(url: &str, name: &str) -> String {
    let (before, _) = url.rsplit_once('/').unwrap();
    format!("{before}/{name}")
}

/// The files of a folder whose names don't begin with a dot.
pub(crate) fn visible(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}
