//! SQLite.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{RegistryError, fault};

pub(in crate::registry) fn options(url: &str) -> Result<SqliteConnectOptions, RegistryError> {
    // Each connection would have a database of its own, and none of them would last.
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(RegistryError::Url {
            reason: "a registry in memory does not last: name a file, sqlite://base.db",
        });
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|_| RegistryError::Url {
        reason: "it is no SQLite URL: sqlite://base.db",
    })?;
    Ok(options
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10)))
}

pub(super) async fn pool(
    url: &str,
    connections: u32,
    create: bool,
) -> Result<SqlitePool, RegistryError> {
    let mut options = options(url)?;
    if create {
        options = options.create_if_missing(true);
    }
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options)
        .await
        .map_err(|error| fault(error).into())
}
