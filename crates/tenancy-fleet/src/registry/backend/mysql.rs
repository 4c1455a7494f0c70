//! MariaDB and MySQL. Text is bound and read as bytes: every column but the metadata is binary, so
//! that nothing is folded, padded or trimmed where it is compared.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlPoolOptions, MySqlRow};
use sqlx::query::Query;
use sqlx::{Column as _, Executor as _, MySql, MySqlPool, Row as _, TypeInfo as _};

use super::{Cell, RegistryError, Value, fault, lane};

lane!(MySql);

/// Too long a value is an error and never cut, and nobody waits for ever.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', \
                       SESSION innodb_lock_wait_timeout = 10, SESSION autocommit = 1, \
                       SESSION foreign_key_checks = 1, SESSION unique_checks = 1";

pub(super) async fn pool(url: &str, connections: u32) -> Result<MySqlPool, RegistryError> {
    let options = MySqlConnectOptions::from_str(url).map_err(|_| RegistryError::Url {
        reason: "it is no MySQL URL: mysql://USER:PASSWORD@HOST:PORT/DATABASE",
    })?;
    if options.get_database().is_none() {
        return Err(RegistryError::Url {
            reason: "it names no database: mysql://USER:PASSWORD@HOST:PORT/DATABASE",
        });
    }
    MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(SESSION).await.map(drop) })
        })
        .connect_with(options)
        .await
        .map_err(|error| fault(error).into())
}

/// A deadlock, a lock that was not given in time, a table that changed under a prepared statement.
pub(super) fn is_passing(number: u16) -> bool {
    matches!(number, 1213 | 1205 | 1412)
}

fn bind<'q>(
    query: Query<'q, MySql, MySqlArguments>,
    value: &Value<'_>,
) -> Query<'q, MySql, MySqlArguments> {
    match *value {
        Value::Text(text) => query.bind(text.map(|text| text.as_bytes().to_vec())),
        Value::Int(number) => query.bind(number),
    }
}

fn cells(row: &MySqlRow) -> Result<Vec<Cell>, sqlx::Error> {
    let cell = |index: usize| {
        // A cast to SIGNED is an INT where the number is small.
        if row.column(index).type_info().name().contains("INT") {
            let number = row.try_get::<Option<i64>, _>(index)?;
            return Ok(number.map_or(Cell::Null, Cell::Int));
        }
        // Whatever its collation: the bytes are what counts.
        let Some(bytes) = row.try_get_unchecked::<Option<Vec<u8>>, _>(index)? else {
            return Ok(Cell::Null);
        };
        String::from_utf8(bytes)
            .map(Cell::Text)
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))
    };
    (0..row.len()).map(cell).collect()
}
