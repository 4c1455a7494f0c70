//! MariaDB and MySQL. Text is bound and read as bytes: nothing is folded, padded or trimmed where
//! it is compared.

use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlRow};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Column as _, MySql, Row as _, TypeInfo as _};

use super::{Cell, Value, lane};

lane!(PoolConnection<MySql>, |self| &mut **self, {
    self.close_on_drop();
});
// Dropped, it is closed.
lane!(MySqlConnection, |self| &mut *self, {});

/// A deadlock, a lock that was not given in time, a table that changed under a prepared statement.
pub(crate) fn is_passing(number: u16) -> bool {
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
