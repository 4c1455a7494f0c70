//! MariaDB and MySQL: every column but the metadata is binary, so that nothing is folded, padded or
//! trimmed where it is compared.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{Executor as _, MySqlPool};

use super::{RegistryError, fault};

/// Too long a value is an error and never cut, and nobody waits for ever.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', \
                       SESSION innodb_lock_wait_timeout = 10, SESSION autocommit = 1, \
                       SESSION foreign_key_checks = 1, SESSION unique_checks = 1";

pub(in crate::registry) fn options(url: &str) -> Result<MySqlConnectOptions, RegistryError> {
    let options = MySqlConnectOptions::from_str(url).map_err(|_| RegistryError::Url {
        reason: "it is no MySQL URL: mysql://USER:PASSWORD@HOST:PORT/DATABASE",
    })?;
    if options.get_database().is_none() {
        return Err(RegistryError::Url {
            reason: "it names no database: mysql://USER:PASSWORD@HOST:PORT/DATABASE",
        });
    }
    Ok(options)
}

pub(super) async fn pool(url: &str, connections: u32) -> Result<MySqlPool, RegistryError> {
    MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(SESSION).await.map(drop) })
        })
        .connect_with(options(url)?)
        .await
        .map_err(|error| fault(error).into())
}
