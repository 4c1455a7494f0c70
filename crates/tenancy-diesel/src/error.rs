//! What can go wrong between a scope and its rows.

use std::fmt;

use diesel::result::Error as DieselError;
use tenancy_postgres_pool::Error as PoolError;

/// Why a tenant's data could not be reached, or why what was done is not known to be saved.
///
/// `Debug` shows no row, and no value of one.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scope could not be opened, or the transaction did not end as it should.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A transaction of Diesel's own, inside this one, had not ended at its commit: its future was
    /// dropped, say by a timeout.
    #[error(
        "a transaction that was begun inside this one has not ended, so nothing was saved: await it, or give up the whole"
    )]
    NestedOpen,
    /// A statement failed.
    #[error("the statement failed")]
    Statement(#[source] DieselError),
}

impl From<tenancy_core::Error> for Error {
    fn from(error: tenancy_core::Error) -> Self {
        Self::Pool(error.into())
    }
}

impl From<DieselError> for Error {
    /// Of a statement: what else can fail is named where it fails.
    fn from(error: DieselError) -> Self {
        Self::Statement(error)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(error) => f.debug_tuple("Pool").field(error).finish(),
            Self::NestedOpen => f.write_str("NestedOpen"),
            Self::Statement(error) => {
                let mut statement = f.debug_struct("Statement");
                if let DieselError::DatabaseError(kind, _) = error {
                    statement.field("kind", kind);
                }
                statement.finish_non_exhaustive()
            }
        }
    }
}
