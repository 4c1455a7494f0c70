//! Messages of our own on a connection.

use sea_orm::TransactionOptions;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row as _, ValueRef as _};
use tenancy_postgres::scrub::Nonce;

use crate::Error;
use crate::error::failed;

/// Sends `sql` as one simple message, and reads the rows of its answer. `None` where it was another
/// message's answer.
pub(crate) async fn told(
    connection: &mut PgConnection,
    sql: &str,
) -> Result<Option<Vec<PgRow>>, Told> {
    let nonce = Nonce::random()?;
    let sql = format!("{sql}; SELECT '{nonce}'::pg_catalog.text");
    let query = sqlx::raw_sql(AssertSqlSafe(sql));
    let mut rows = query.fetch_all(connection).await.map_err(Told::Driver)?;
    let echo = rows.pop();
    let ours = echo.is_some_and(|row| text(&row, 0) == Some(nonce.as_str()));
    Ok(ours.then_some(rows))
}

/// Why a message was not answered.
pub(crate) enum Told {
    Driver(sqlx::Error),
    Random(tenancy_postgres::Error),
}

impl From<tenancy_postgres::Error> for Told {
    fn from(error: tenancy_postgres::Error) -> Self {
        Self::Random(error)
    }
}

impl Told {
    /// Whether there is no savepoint of that name.
    pub(crate) fn is_no_savepoint(&self) -> bool {
        let Self::Driver(sqlx::Error::Database(error)) = self else {
            return false;
        };
        error.code().as_deref() == Some("3B001")
    }

    /// Of a message that saves something or not.
    pub(crate) fn ending(self) -> Error {
        match self {
            Self::Driver(error) => Error::ending(error),
            Self::Random(error) => error.into(),
        }
    }
}

impl From<Told> for Error {
    fn from(told: Told) -> Self {
        match told {
            Told::Driver(error) => Self::Statement(failed(error)),
            Told::Random(error) => error.into(),
        }
    }
}

/// A column in text form. `None` where it is NULL, is not there, or is no text.
pub(crate) fn text(row: &PgRow, column: usize) -> Option<&str> {
    let value = row
        .try_get_raw(column)
        .ok()
        .filter(|value| !value.is_null())?;
    value.as_str().ok()
}

/// Begins a transaction, and leaves its mark in it.
pub(crate) fn begin_sql(options: TransactionOptions, mark: &Nonce) -> String {
    format!(
        "BEGIN{}; SELECT pg_catalog.set_config('tenancy.open', '{mark}', true)",
        modes(options)
    )
}

/// Begins one inside another.
pub(crate) fn savepoint_sql(options: TransactionOptions, name: &str) -> String {
    match modes(options).as_str() {
        "" => format!("SAVEPOINT {name}"),
        modes => format!("SAVEPOINT {name}; SET TRANSACTION{modes}"),
    }
}

fn modes(options: TransactionOptions) -> String {
    let isolation = options
        .isolation_level
        .map(|level| format!(" ISOLATION LEVEL {level}"));
    let access = options.access_mode.map(|mode| match mode {
        sea_orm::AccessMode::ReadOnly => " READ ONLY".to_owned(),
        sea_orm::AccessMode::ReadWrite => " READ WRITE".to_owned(),
    });
    [isolation, access].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use sea_orm::{AccessMode, IsolationLevel};

    use super::*;

    #[test]
    fn modes_are_those_that_were_asked_for() {
        let plain = TransactionOptions::default();
        assert_eq!(savepoint_sql(plain, "s"), "SAVEPOINT s");
        let both = TransactionOptions {
            isolation_level: Some(IsolationLevel::Serializable),
            access_mode: Some(AccessMode::ReadOnly),
            ..plain
        };
        let mark = Nonce::random().unwrap();
        assert!(begin_sql(plain, &mark).starts_with("BEGIN; SELECT "));
        assert!(
            begin_sql(both, &mark)
                .starts_with("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SELECT ")
        );
        assert_eq!(
            savepoint_sql(both, "s"),
            "SAVEPOINT s; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY"
        );
    }
}
