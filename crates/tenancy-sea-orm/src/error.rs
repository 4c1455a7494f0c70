//! What can go wrong between a scope and its rows.

use std::fmt;
use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use tenancy_postgres_pool::{DriverError, Error as PoolError};
use tenancy_sqlx::postgres::Sqlx;

/// Why a tenant's data could not be reached, or why what was done is not known to be saved.
///
/// `Debug` shows no row: SeaORM's own would.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scope could not be opened, or its transaction did not end as it should.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The transaction of this handle is over.
    #[error(
        "this transaction is over, so nothing was run: it was given up, or the one that it was begun in has ended"
    )]
    Ended,
    /// A transaction inside this one was still open at its commit.
    #[error(
        "a transaction that was begun inside this one is still open, so nothing was saved: commit it, roll it back or drop it first"
    )]
    NestedOpen,
    /// A statement came on a connection while a transaction was open on it.
    #[error(
        "a transaction is open on this connection, so the statement was not run: run it in the transaction, or end that first"
    )]
    InTransaction,
    /// What else SQLx's adapter may say.
    #[error(transparent)]
    Sqlx(tenancy_sqlx::Error),
    /// A statement failed.
    #[error("the statement failed")]
    Statement(#[from] DbErr),
}

impl Error {
    /// This crate's error in one of SeaORM's, where the conversion into [`DbErr`] has put it.
    ///
    /// ```
    /// use sea_orm::DbErr;
    /// use tenancy_sea_orm::Error;
    ///
    /// let theirs = DbErr::from(Error::NestedOpen);
    /// assert!(matches!(Error::find(&theirs), Some(Error::NestedOpen)));
    /// ```
    pub fn find(error: &DbErr) -> Option<&Self> {
        match driver(error)? {
            sqlx::Error::Configuration(source) => source.downcast_ref(),
            _ => None,
        }
    }

    /// Of a statement that ends a transaction.
    pub(crate) fn ending(error: sqlx::Error) -> Self {
        let error = DriverError::new(&Sqlx, error);
        let code = error.code().map(str::to_owned);
        Self::Pool(match code.as_deref() {
            _ if error.is_lost() => PoolError::CommitUnknown(Some(error)),
            // The transaction's mark divides by zero where it is gone. So is a savepoint gone where its
            // transaction is, and is refused where there is none.
            Some("22012" | "3B001" | "25P01") => PoolError::TransactionOver,
            Some("25P02") => PoolError::TransactionFailed,
            Some(_) => PoolError::Commit(error),
            None => PoolError::CommitUnknown(Some(error)),
        })
    }
}

impl From<tenancy_sqlx::Error> for Error {
    fn from(error: tenancy_sqlx::Error) -> Self {
        match error {
            tenancy_sqlx::Error::Pool(error) => Self::Pool(error),
            tenancy_sqlx::Error::Scope(error) => Self::Pool(error.into()),
            tenancy_sqlx::Error::Statement(error) | tenancy_sqlx::Error::CopyFrom(error) => {
                Self::Statement(failed(error.into_driver()))
            }
            other => Self::Sqlx(other),
        }
    }
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

/// So that SeaORM's traits, and a closure's own error type, may speak `DbErr`. What the database said
/// about a statement or a commit stays as it is; everything else is boxed, and [`Error::find`] gets it
/// back.
impl From<Error> for DbErr {
    fn from(error: Error) -> Self {
        let boxed = |error| Self::Conn(of(sqlx::Error::Configuration(Box::new(error))));
        match error {
            Error::Statement(theirs) => theirs,
            Error::Pool(PoolError::Commit(commit)) => match commit.into_driver() {
                Ok(driver) => failed(driver),
                Err(shared) => boxed(Error::Pool(PoolError::Commit(shared))),
            },
            ours => boxed(ours),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(error) => f.debug_tuple("Pool").field(error).finish(),
            Self::Ended => f.write_str("Ended"),
            Self::NestedOpen => f.write_str("NestedOpen"),
            Self::InTransaction => f.write_str("InTransaction"),
            Self::Sqlx(error) => f.debug_tuple("Sqlx").field(error).finish(),
            Self::Statement(error) => f
                .debug_struct("Statement")
                .field("code", &code(error))
                .finish_non_exhaustive(),
        }
    }
}

/// What to do about an error that comes of the wall. `None` for any other.
///
/// ```
/// use sea_orm::DbErr;
/// use tenancy_sea_orm::explain;
///
/// assert_eq!(explain(&DbErr::RecordNotInserted), None);
/// ```
pub fn explain(error: &DbErr) -> Option<&'static str> {
    tenancy_sqlx::postgres::explain(driver(error)?)
}

/// Of a statement that is run.
pub(crate) fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(of(error))
}

/// Of a statement that is asked for rows.
pub(crate) fn unanswered(error: sqlx::Error) -> DbErr {
    DbErr::Query(of(error))
}

fn of(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}

fn driver(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(source))
        | DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => Some(source),
        _ => None,
    }
}

fn code(error: &DbErr) -> Option<std::borrow::Cow<'_, str>> {
    driver(error)?.as_database_error()?.code()
}
