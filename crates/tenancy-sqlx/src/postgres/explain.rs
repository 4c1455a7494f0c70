//! What an error of the database means where rows are walled off.

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
    let error = error.as_database_error()?;
    let code = error.code()?;
    match code.as_ref() {
        "0A000" if error.message().contains("COPY FROM") => Some(
            "PostgreSQL refuses COPY .. FROM on a table with row security: insert in bulk with `BulkInsert`",
        ),
        "42501" if error.message().contains("row-level security") => Some(
            "the row names another tenant than the scope's: leave the tenant column out, its default is the scope's tenant",
        ),
        code => sqlstate::explain(code),
    }
}
