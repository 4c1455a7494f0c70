//! PostgreSQL.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor as _, PgPool};

use super::{RegistryError, fault};

/// Nothing is looked up through a path, and nobody waits for ever.
const SESSION: &str = "SET search_path = pg_catalog; SET lock_timeout = '10s'; \
                       SET standard_conforming_strings = on";

pub(in crate::registry) fn options(url: &str) -> Result<PgConnectOptions, RegistryError> {
    PgConnectOptions::from_str(url).map_err(|_| RegistryError::Url {
        reason: "it is no PostgreSQL URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    })
}

pub(super) async fn pool(url: &str, connections: u32) -> Result<PgPool, RegistryError> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(SESSION).await.map(drop) })
        })
        .connect_with(options(url)?)
        .await
        .map_err(|error| fault(error).into())
}
