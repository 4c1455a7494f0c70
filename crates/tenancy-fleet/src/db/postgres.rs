//! PostgreSQL.

use sha2::{Digest as _, Sha256};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgDatabaseError, PgErrorPosition, PgRow};
use sqlx::query::Query;
use sqlx::{Column as _, Postgres, Row as _, TypeInfo as _};

use super::{Cell, Value, lane};

lane!(PoolConnection<Postgres>, |self| &mut **self, {
    self.close_on_drop();
});
// Dropped, it is closed.
lane!(PgConnection, |self| &mut *self, {});

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

/// Names, and the line of the script.
pub(super) fn said(error: &PgDatabaseError, script: &str) -> (Option<String>, Option<usize>) {
    let line = match error.position() {
        Some(PgErrorPosition::Original(at)) => {
            let before = script.chars().take(at.saturating_sub(1));
            Some(1 + before.filter(|each| *each == '\n').count())
        }
        _ => None,
    };
    // A function's context means that the words may be made of rows.
    let own = error.r#where().is_none();
    let words = match error.code() {
        "57014" => Some("its time limit was reached, or it was cancelled".to_owned()),
        code if code.starts_with("42") && own => Some(error.message().to_owned()),
        _ => {
            let names = [
                ("table", error.table()),
                ("column", error.column()),
                ("constraint", error.constraint()),
            ];
            let names: Vec<_> = names
                .into_iter()
                .filter_map(|(what, name)| Some(format!("{what} {}", name?)))
                .collect();
            (!names.is_empty()).then(|| names.join(", "))
        }
    };
    (words, line)
}

/// The number of an advisory lock.
pub(crate) fn lock_number(name: &str) -> i64 {
    let digest = Sha256::digest(name);
    let (first, _) = digest.split_first_chunk().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*first)
}
