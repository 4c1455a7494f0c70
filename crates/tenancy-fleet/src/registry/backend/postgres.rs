//! PostgreSQL.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{Column as _, Executor as _, PgPool, Postgres, Row as _, TypeInfo as _};

use super::{Cell, RegistryError, Value, fault, lane};

lane!(Postgres);

/// Nothing is looked up through a path, and nobody waits for ever.
const SESSION: &str = "SET search_path = pg_catalog; SET lock_timeout = '10s'; \
                       SET standard_conforming_strings = on";

fn options(url: &str) -> Result<PgConnectOptions, RegistryError> {
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

fn bind<'q>(
    query: Query<'q, Postgres, PgArguments>,
    value: &Value<'_>,
) -> Query<'q, Postgres, PgArguments> {
    match *value {
        Value::Text(text) => query.bind(text.map(str::to_owned)),
        Value::Int(number) => query.bind(number),
    }
}

fn cells(row: &PgRow) -> Result<Vec<Cell>, sqlx::Error> {
    let cell = |index: usize| {
        Ok(if row.column(index).type_info().name() == "INT8" {
            row.try_get::<Option<i64>, _>(index)?
                .map_or(Cell::Null, Cell::Int)
        } else {
            row.try_get::<Option<String>, _>(index)?
                .map_or(Cell::Null, Cell::Text)
        })
    };
    (0..row.len()).map(cell).collect()
}
