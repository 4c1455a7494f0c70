//! Connects to a registry, or makes it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::backend::Pool;
use super::dialect::Dialect;
use super::install;
use super::names::Names;
use super::turn::{Line, Turn};
use super::{Registry, RegistryError};
use crate::db::{Cell, Kind};
use crate::secrets::Keyring;

/// How to reach the registry. `Debug` shows nothing of the URL.
#[derive(Clone)]
#[must_use = "nothing is connected before `.connect()` or `.install()`"]
pub struct RegistryBuilder {
    pub(super) url: SecretString,
    prefix: String,
    schema: String,
    keyring: Option<Keyring>,
    connections: u32,
    poll: Duration,
}

impl Registry {
    /// A registry in the database of this URL: `postgres://`, `mysql://` (or `mariadb://`) or
    /// `sqlite://`, with the options that `SQLx` reads in it.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tenancy_core::TenantId;
    /// use tenancy_fleet::registry::{Actor, NewTenant, Registry};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("base.db");
    /// # let file = file.display();
    /// let registry = Registry::builder(format!("sqlite://{file}")).install().await?;
    /// let acme = TenantId::new("acme")?;
    /// let made = registry.create(NewTenant::active(acme.clone()), &Actor::new("docs")?).await?;
    /// assert_eq!(made.revision().number(), 1);
    /// assert_eq!(registry.audit(&acme, None, 10).await?[0].what, "create");
    /// # registry.close().await;
    /// # Ok(()) }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    pub fn builder(url: impl Into<SecretString>) -> RegistryBuilder {
        RegistryBuilder {
            url: url.into(),
            prefix: "tenancy_".to_owned(),
            schema: "public".to_owned(),
            keyring: None,
            connections: 5,
            poll: Duration::from_millis(250),
        }
    }
}

impl RegistryBuilder {
    /// What stands before the tables' names, instead of `tenancy_`: 1 to 32 characters of
    /// `a-z 0-9 _` that start with a letter.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// On PostgreSQL: the schema of the tables, instead of `public`. It must be there.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// The keys for tenants' credentials. Without them none is kept or read.
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// How many connections it may have (5), besides one for each [watch](Registry::watch) on
    /// PostgreSQL.
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How often a [watch](Registry::watch) looks for changes (250 ms). On PostgreSQL it also hears
    /// of them, and looks at once.
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll = interval.max(Duration::from_millis(10));
        self
    }

    /// Connects to the registry that is there.
    ///
    /// # Errors
    /// [`RegistryError::Url`], [`RegistryError::Name`], [`RegistryError::Database`];
    /// [`RegistryError::NotInstalled`], [`RegistryError::Older`], [`RegistryError::Newer`].
    pub async fn connect(self) -> Result<Registry, RegistryError> {
        self.open(false).await
    }

    /// Makes the registry, or migrates it to this program's version, and connects. It may run
    /// again, and in several processes at once. A file of `SQLite` is made where there is none.
    ///
    /// # Errors
    /// [`RegistryError::Url`], [`RegistryError::Name`], [`RegistryError::Database`];
    /// [`RegistryError::Newer`], and then nothing was changed.
    pub async fn install(self) -> Result<Registry, RegistryError> {
        self.open(true).await
    }

    async fn open(self, install: bool) -> Result<Registry, RegistryError> {
        let names = Names::new(&self.prefix, &self.schema)?;
        let pool = Pool::connect(&self.url, self.connections, install).await?;
        let dialect = Dialect {
            kind: pool.kind(),
            names,
        };
        let line = Line { pool, dialect };
        if install {
            install::install(&line).await?;
        } else {
            install::check(&line).await?;
        }
        let base = base(&line).await?;
        Ok(Registry {
            line,
            keyring: self.keyring,
            base,
            poll: self.poll,
            asked: Arc::default(),
        })
    }
}

/// The name of the database that the registry lies in.
async fn base(line: &Line) -> Result<Option<String>, RegistryError> {
    let sql = match line.dialect.kind {
        Kind::Postgres => "SELECT current_database()::text",
        Kind::Mysql => "SELECT DATABASE()",
        // A file has a path, and no name among databases.
        Kind::Sqlite => return Ok(None),
    };
    let mut turn = Turn::alone(line).await?;
    let rows = turn.rows(sql, &[]).await?;
    turn.end();
    match rows.into_iter().flatten().next() {
        Some(Cell::Text(name)) => Ok(Some(name)),
        _ => Err(RegistryError::Malformed {
            what: "database name",
        }),
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
