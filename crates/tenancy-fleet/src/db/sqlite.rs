//! SQLite.

use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteError, SqliteRow};
use sqlx::{Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::{Cell, Value, lane};

lane!(PoolConnection<Sqlite>, |self| &mut **self, {
    self.close_on_drop();
});
// Dropped, it is closed.
lane!(SqliteConnection, |self| &mut *self, {});

/// `SQLITE_BUSY` and `SQLITE_LOCKED`, and what extends them.
pub(crate) fn is_passing(code: &str) -> bool {
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

/// Names, where the message has nothing else.
pub(super) fn said(error: &SqliteError) -> (Option<String>, Option<usize>) {
    const NAMES: [&str; 8] = [
        "no such table: ",
        "no such column: ",
        "no such index: ",
        "duplicate column name: ",
        "UNIQUE constraint failed: ",
        "NOT NULL constraint failed: ",
        "CHECK constraint failed: ",
        "FOREIGN KEY constraint failed",
    ];
    // A trigger's own words may be made of rows.
    const TRIGGER: &str = "1811";
    let error = error as &dyn sqlx::error::DatabaseError;
    if error.code().as_deref() == Some(TRIGGER) {
        return (None, None);
    }
    let message = error.message();
    let is_named = NAMES.iter().any(|start| message.starts_with(start))
        || message.ends_with(" already exists");
    let words = if is_named {
        Some(message)
    } else if message.ends_with(": syntax error") || message == "incomplete input" {
        Some("its syntax")
    } else {
        None
    };
    (words.map(str::to_owned), None)
}
