//! MariaDB and MySQL. Text is bound and read as bytes: nothing is folded, padded or trimmed where
//! it is compared.

use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlDatabaseError, MySqlRow};
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

/// Names where the message has nothing else, and the line of a syntax error: its text is quoted
/// there, so it is not shown.
pub(super) fn said(error: &MySqlDatabaseError) -> (Option<String>, Option<usize>) {
    let message = error.message();
    match error.number() {
        // There already, missing, unknown, twice: a table, column or key.
        1050 | 1051 | 1054 | 1060 | 1061 | 1072 | 1091 | 1146 => (Some(message.to_owned()), None),
        1064 => {
            let line = message
                .rsplit_once("at line ")
                .map(|(_, line)| line.parse());
            (Some("its syntax".to_owned()), line.and_then(Result::ok))
        }
        1969 => (Some("its time limit was reached".to_owned()), None),
        _ => (None, None),
    }
}
