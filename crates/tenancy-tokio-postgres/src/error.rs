//! What can go wrong between a scope and its rows.

use std::fmt;

use tenancy_postgres_pool::Error as PoolError;
use tokio_postgres::error::SqlState;

/// Why a tenant's data could not be reached, or why what was done is not known to be saved.
///
/// `Debug` shows no row: the driver's own would.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scope could not be opened, or the transaction did not end as it should.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// `COPY .. FROM` was tried.
    #[error(
        "PostgreSQL refuses COPY .. FROM where row security is on, so nothing was inserted: use `BulkInsert`, on another checkout, for the driver may be out of step after this one"
    )]
    CopyFrom(#[source] tokio_postgres::Error),
    /// A statement failed.
    #[error("the statement failed")]
    Statement(#[source] tokio_postgres::Error),
}

impl From<tenancy_core::Error> for Error {
    fn from(error: tenancy_core::Error) -> Self {
        Self::Pool(error.into())
    }
}

impl From<tenancy_postgres::Error> for Error {
    fn from(error: tenancy_postgres::Error) -> Self {
        Self::Pool(error.into())
    }
}

impl From<tokio_postgres::Error> for Error {
    /// Of a statement: what else can fail is named where it fails.
    fn from(error: tokio_postgres::Error) -> Self {
        // The server's own function, since its message may be in any language.
        let is_copy = error.as_db_error().is_some_and(|error| {
            *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.routine() == Some("DoCopy")
        });
        if is_copy {
            Self::CopyFrom(error)
        } else {
            Self::Statement(error)
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(error) => f.debug_tuple("Pool").field(error).finish(),
            Self::CopyFrom(_) => f.debug_struct("CopyFrom").finish_non_exhaustive(),
            Self::Statement(error) => f
                .debug_struct("Statement")
                .field("code", &error.code().map(SqlState::code))
                .finish_non_exhaustive(),
        }
    }
}
