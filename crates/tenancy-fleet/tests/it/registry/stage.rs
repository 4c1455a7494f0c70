//! A base database of its own for each test.

use secrecy::SecretString;
use tempfile::TempDir;
use tenancy_fleet::registry::{Registry, RegistryBuilder};
use tenancy_fleet::secrets::{Keyring, SealingKey};
use tenancy_testkit::postgres::{Database, Major, Server};
use tenancy_testkit::{mariadb, postgres};

use super::side::Side;

pub(crate) struct Stage {
    pub(crate) url: String,
    key: SealingKey,
    base: Base,
}

#[allow(dead_code)] // they are kept for as long as the test runs
enum Base {
    Sqlite(TempDir),
    Postgres(postgres::Database),
    Mariadb(mariadb::Database),
}

impl Stage {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite://{}", folder.path().join("base.db").display()),
            key: key(),
            base: Base::Sqlite(folder),
        }
    }

    pub(crate) async fn postgres(major: Major) -> Self {
        let database: Database = Server::shared(major)
            .await
            .unwrap()
            .database()
            .await
            .unwrap();
        Self {
            url: database.owner_url(),
            key: key(),
            base: Base::Postgres(database),
        }
    }

    /// `None` where the run was told to do without.
    pub(crate) async fn mariadb() -> Option<Self> {
        if mariadb::is_left_out() {
            return None;
        }
        let server = mariadb::Server::shared().await.unwrap();
        let database = server.database().await.unwrap();
        Some(Self {
            url: database.url(),
            key: key(),
            base: Base::Mariadb(database),
        })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.base, Base::Sqlite(_))
    }

    /// The PostgreSQL database, if it is one.
    pub(crate) fn as_postgres(&self) -> Option<&postgres::Database> {
        match &self.base {
            Base::Postgres(database) => Some(database),
            _ => None,
        }
    }

    pub(crate) fn builder(&self) -> RegistryBuilder {
        let url = SecretString::from(self.url.as_str());
        Registry::builder(url).keyring(Keyring::new(self.key.clone()))
    }

    pub(crate) async fn registry(&self) -> Registry {
        self.builder().install().await.unwrap()
    }

    /// A connection of its own.
    pub(crate) async fn side(&self) -> Side {
        Side::connect(&self.url).await
    }
}

fn key() -> SealingKey {
    SealingKey::generate("k1").unwrap()
}
