//! PostgreSQL.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
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
