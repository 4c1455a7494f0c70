//! SQLite.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite, SqlitePool, TypeInfo as _, ValueRef as _};

use super::{Cell, RegistryError, Value, fault, lane};

lane!(Sqlite);

pub(super) async fn pool(
    url: &str,
    connections: u32,
    create: bool,
) -> Result<SqlitePool, RegistryError> {
    // Each connection would have a database of its own, and none of them would last.
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(RegistryError::Url {
            reason: "a registry in memory does not last: name a file, sqlite://base.db",
        });
    }
    let mut options = SqliteConnectOptions::from_str(url)
        .map_err(|_| RegistryError::Url {
            reason: "it is no SQLite URL: sqlite://base.db",
        })?
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10));
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

/// `SQLITE_BUSY` and `SQLITE_LOCKED`, and what extends them.
pub(super) fn is_passing(code: &str) -> bool {
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    value: &Value<'_>,
) -> Query<'q, Sqlite, SqliteArguments> {
    match *value {
        Value::Text(text) => query.bind(text.map(str::to_owned)),
        Value::Int(number) => query.bind(number),
    }
}

fn cells(row: &SqliteRow) -> Result<Vec<Cell>, sqlx::Error> {
    let cell = |index: usize| {
        let value = row.try_get_raw(index)?;
        Ok(if value.is_null() {
            Cell::Null
        } else if value.type_info().name() == "INTEGER" {
            Cell::Int(row.try_get_unchecked(index)?)
        } else {
            Cell::Text(row.try_get_unchecked(index)?)
        })
    };
    (0..row.len()).map(cell).collect()
}
