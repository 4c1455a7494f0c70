//! Messages of our own on a driver's connection.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row, ValueRef};
use tenancy_postgres::sqlstate;

use crate::{DriverError, Error};

/// Sends `sql` as one simple message, and reads its answer to the end.
pub(super) async fn message(
    connection: &mut PgConnection,
    sql: String,
) -> Result<Vec<PgRow>, sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
}

/// A column in text form. `None` where it is NULL, is not there, or is no text.
pub(super) fn text(row: &PgRow, column: usize) -> Option<&str> {
    let value = row
        .try_get_raw(column)
        .ok()
        .filter(|value| !value.is_null())?;
    value.as_str().ok()
}

/// What an error says about the connection on which a scope was being opened.
pub(super) fn opening_failed(error: sqlx::Error) -> Error {
    if is_lost(&error) {
        return Error::Lost(error.into());
    }
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref().and_then(sqlstate::explain) {
        Some(reason) => Error::Refused {
            reason,
            source: error.into(),
        },
        None if code.is_some() => Error::Refused {
            reason: "its error code is none of ours, see its message",
            source: error.into(),
        },
        None => Error::OutOfStep,
    }
}

/// What an error says about a transaction that was being committed.
pub(super) fn commit_failed(error: sqlx::Error) -> Error {
    if is_lost(&error) {
        return Error::CommitUnknown(Some(error.into()));
    }
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        // The mark of a central transaction divides by zero where it is gone.
        Some(sqlstate::NO_SCOPE | sqlstate::NO_SCOPE_YET | "22012") => Error::TransactionOver,
        Some("25P02") => Error::TransactionFailed,
        Some(_) => Error::Commit(error.into()),
        None => Error::CommitUnknown(Some(error.into())),
    }
}

/// Whether the server, or the way to it, is gone.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Shut down, crashed, starting, or ended for idleness; and the connection class.
            matches!(
                code.as_ref(),
                "57P01" | "57P02" | "57P03" | "57P05" | "25P03"
            ) || code.starts_with("08")
        }),
        _ => false,
    }
}

impl From<sqlx::Error> for Error {
    /// Of a statement: what else can fail is named where it fails.
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(DriverError::from(error))
    }
}
