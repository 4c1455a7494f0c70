//! What an error of the database means where rows are walled off.

use sqlx::postgres::PgDatabaseError;
use tenancy_postgres::sqlstate;

/// What to do about an error that comes of the wall. `None` for any other.
///
/// `COPY .. FROM` is refused by PostgreSQL on a table with row security, with 0A000: use
/// [`BulkInsert`](super::BulkInsert).
///
/// ```
/// use tenancy_sqlx::postgres::explain;
///
/// assert_eq!(explain(&sqlx::Error::RowNotFound), None);
/// ```
pub fn explain(error: &sqlx::Error) -> Option<&'static str> {
    if is_copy_from(error) {
        return Some(
            "PostgreSQL refuses COPY .. FROM on a table with row security: insert in bulk with `BulkInsert`",
        );
    }
    let error = error.as_database_error()?;
    let code = error.code()?;
    match code.as_ref() {
        "42501" if error.message().contains("row-level security") => Some(
            "the row names another tenant than the scope's: leave the tenant column out, its default is the scope's tenant",
        ),
        code => sqlstate::explain(code),
    }
}

/// By the server's own function, since its message may be in any language.
pub(crate) fn is_copy_from(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|error| error.code() == "0A000" && error.routine() == Some("DoCopy"))
}
