//! The base database itself: whether it can be reached, and making it.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::{ConnectOptions, Connection as _};

use super::{RegistryBuilder, RegistryError};
use crate::db::{Fault, FaultKind, fault};

/// The longest name that no server cuts.
#[cfg(any(feature = "mysql", feature = "postgres"))]
const MAX_NAME: usize = 63;

/// How long a server may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

const NOT_BUILT: RegistryError = RegistryError::Url {
    reason: "it starts with no database's name that this program was built for",
};

impl RegistryBuilder {
    /// Makes the database that the URL names, where it is missing: through the server's maintenance
    /// database on PostgreSQL and MariaDB, as a file on `SQLite`. Answers whether it was missing.
    /// [`install`](Self::install) comes next.
    ///
    /// # Errors
    /// [`RegistryError::Url`]; [`RegistryError::BaseName`] for a name that the server keeps for
    /// itself; [`RegistryError::Database`].
    pub async fn create_database(&self) -> Result<bool, RegistryError> {
        let url = self.url.expose_secret();
        match url.split(':').next().unwrap_or_default() {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => postgres::create(url).await,
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => mysql::create(url).await,
            #[cfg(feature = "sqlite")]
            "sqlite" => sqlite::create(url).await,
            _ => Err(NOT_BUILT),
        }
    }

    /// Connects once to the base database, and says at once why that can't be done, where a pool
    /// would wait for a server to come up.
    ///
    /// # Errors
    /// [`RegistryError::Url`], [`RegistryError::Database`].
    pub async fn reach(&self) -> Result<(), RegistryError> {
        let url = self.url.expose_secret();
        match url.split(':').next().unwrap_or_default() {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => touch(super::backend::postgres::options(url)?).await,
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => touch(super::backend::mysql::options(url)?).await,
            #[cfg(feature = "sqlite")]
            "sqlite" => touch(super::backend::sqlite::options(url)?).await,
            _ => Err(NOT_BUILT),
        }
    }
}

async fn touch<O>(options: O) -> Result<(), RegistryError>
where
    O: ConnectOptions<Connection: Sized>,
{
    let mut connection = reached(&options).await?;
    connection.ping().await.map_err(fault)?;
    Ok(connection.close().await.map_err(fault)?)
}

async fn reached<O>(options: &O) -> Result<O::Connection, Fault>
where
    O: ConnectOptions<Connection: Sized>,
{
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(connected) => connected.map_err(fault),
        Err(_) => Err(Fault::of(FaultKind::Lost)),
    }
}

/// Refuses what a server would cut, or keeps for itself. Such names are compared in lower case, as
/// servers on some file systems do.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn check(name: &str, reserved: &[&str]) -> Result<(), RegistryError> {
    let long = name.is_empty() || name.len() > MAX_NAME;
    let kept = reserved.iter().any(|kept| kept.eq_ignore_ascii_case(name));
    if long || kept || name.chars().any(char::is_control) {
        Err(RegistryError::BaseName)
    } else {
        Ok(())
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use sqlx::postgres::PgConnectOptions;

    use super::reached;
    use crate::db::{Fault, Lane, fault};
    use crate::registry::RegistryError;
    use crate::registry::backend::postgres::options;

    const RESERVED: [&str; 3] = ["postgres", "template0", "template1"];
    /// `invalid_catalog_name`.
    const NO_DATABASE: &str = "3D000";
    /// `duplicate_database`.
    const THERE: &str = "42P04";
    /// What two that make it at once may meet instead, in the catalog's own key.
    const UNIQUE: &str = "23505";

    pub(super) async fn create(url: &str) -> Result<bool, RegistryError> {
        let options = options(url)?;
        // Without a name, the server takes the user's.
        let name = options.get_database().unwrap_or(options.get_username());
        let name = name.to_owned();
        super::check(&name, &RESERVED)?;
        let mut lane = maintenance(options).await?;
        let sql = "SELECT 1::bigint FROM pg_catalog.pg_database WHERE datname = $1";
        let found = lane.rows(sql.to_owned(), &[(&name).into()]).await;
        if !found.map_err(fault)?.is_empty() {
            return Ok(false);
        }
        let sql = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        match lane.raw(sql).await.map_err(fault) {
            Ok(()) => Ok(true),
            Err(fault) if matches!(fault.code(), Some(THERE | UNIQUE)) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// A connection to a database that every server has.
    async fn maintenance(options: PgConnectOptions) -> Result<Box<dyn Lane>, Fault> {
        match reached(&options.clone().database("postgres")).await {
            Ok(connection) => Ok(Box::new(connection)),
            Err(fault) if fault.code() == Some(NO_DATABASE) => {
                Ok(Box::new(reached(&options.database("template1")).await?))
            }
            Err(fault) => Err(fault),
        }
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use super::reached;
    use crate::db::{Lane as _, fault};
    use crate::registry::RegistryError;
    use crate::registry::backend::mysql::options;

    const RESERVED: [&str; 5] = [
        "mysql",
        "information_schema",
        "performance_schema",
        "sys",
        "innodb",
    ];

    pub(super) async fn create(url: &str) -> Result<bool, RegistryError> {
        let options = options(url)?;
        let name = options.get_database().unwrap_or_default().to_owned();
        super::check(&name, &RESERVED)?;
        // The one that every user may enter.
        let mut lane = reached(&options.database("information_schema")).await?;
        let sql = "SELECT CAST(1 AS SIGNED) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?";
        let found = lane.rows(sql.to_owned(), &[(&name).into()]).await;
        if !found.map_err(fault)?.is_empty() {
            return Ok(false);
        }
        // Somebody else may have been faster by now.
        let sql = format!(
            "CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4",
            name.replace('`', "``")
        );
        lane.raw(sql).await.map_err(fault)?;
        Ok(true)
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::touch;
    use crate::registry::RegistryError;
    use crate::registry::backend::sqlite::options;

    pub(super) async fn create(url: &str) -> Result<bool, RegistryError> {
        let options = options(url)?;
        if options.get_filename().exists() {
            return Ok(false);
        }
        touch(options.create_if_missing(true)).await?;
        Ok(true)
    }
}
