//! What can go wrong between a scope and its rows.

use std::fmt;

#[cfg(feature = "postgres")]
use tenancy_postgres_pool::Error as PoolError;

/// Why a tenant's data could not be reached, or why what was done is not known to be saved.
///
/// No variant shows a secret, a row, a query argument or a tenant's id. The driver's own error, where
/// there is one, is the `source` of [`DriverError`]; its `Debug` form may show a row, so log its
/// `Display` form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scope can't be used here and now.
    #[error(transparent)]
    Scope(#[from] tenancy_core::Error),
    /// On PostgreSQL the scope could not be opened, or the transaction did not end as it should.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Pool(PoolError),
    /// A tenant's own SQLite database, or its placement, is not as it must be, can't be had now, or
    /// its transaction did not end as it should.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    Sqlite(#[from] crate::sqlite::DatabaseError),
    /// `COPY .. FROM` was tried on PostgreSQL.
    #[cfg(feature = "postgres")]
    #[error(
        "PostgreSQL refuses COPY .. FROM where row security is on, so nothing was inserted: use `BulkInsert`, on another checkout, for the driver may be out of step after this one"
    )]
    CopyFrom(#[source] DriverError),
    /// A statement failed.
    #[error("the statement failed")]
    Statement(#[source] DriverError),
}

impl Error {
    /// This crate's error in one of SQLx's, where the conversion into `sqlx::Error` has put it.
    ///
    /// ```
    /// use tenancy_sqlx::Error;
    ///
    /// let theirs = sqlx::Error::from(Error::Scope(tenancy_core::Error::NoScope));
    /// assert!(matches!(Error::find(&theirs), Some(Error::Scope(_))));
    /// ```
    pub fn find(error: &sqlx::Error) -> Option<&Self> {
        match error {
            sqlx::Error::Configuration(source) => source.downcast_ref(),
            _ => None,
        }
    }
}

#[cfg(feature = "postgres")]
impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Scope(error) => match std::sync::Arc::try_unwrap(error) {
                Ok(error) => Self::Scope(error),
                Err(shared) => Self::Pool(PoolError::Scope(shared)),
            },
            error => Self::Pool(error),
        }
    }
}

#[cfg(feature = "postgres")]
impl From<tenancy_postgres::Error> for Error {
    fn from(error: tenancy_postgres::Error) -> Self {
        Self::Pool(error.into())
    }
}

impl From<sqlx::Error> for Error {
    /// Of a statement: what else can fail is named where it fails.
    fn from(error: sqlx::Error) -> Self {
        #[cfg(feature = "postgres")]
        if crate::postgres::is_copy_from(&error) {
            return Self::CopyFrom(DriverError(error));
        }
        Self::Statement(DriverError(error))
    }
}

/// So that a closure's own error type may be `sqlx::Error`. What the driver said about a statement
/// or a commit stays as it is; everything else is boxed, and [`Error::find`] gets it back.
impl From<Error> for sqlx::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Statement(driver) => driver.0,
            #[cfg(feature = "postgres")]
            Error::CopyFrom(driver) => driver.0,
            #[cfg(feature = "postgres")]
            Error::Pool(PoolError::Commit(commit)) => match commit.into_driver() {
                Ok(driver) => driver,
                Err(shared) => {
                    Self::Configuration(Box::new(Error::Pool(PoolError::Commit(shared))))
                }
            },
            #[cfg(feature = "sqlite")]
            Error::Sqlite(crate::sqlite::DatabaseError::Commit(driver)) => driver.0,
            ours => Self::Configuration(Box::new(ours)),
        }
    }
}

/// An error of the driver. `Debug` shows its kind and code only, for the driver's own `Debug`
/// shows the row that broke a constraint.
pub struct DriverError(sqlx::Error);

impl DriverError {
    /// The driver's error.
    pub fn driver(&self) -> &sqlx::Error {
        &self.0
    }

    /// The driver's error, owned.
    pub fn into_driver(self) -> sqlx::Error {
        self.0
    }
}

impl From<sqlx::Error> for DriverError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self
            .0
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        f.debug_struct("DriverError")
            .field("kind", &kind(&self.0))
            .field("code", &code)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for DriverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// What kind of error it is, in one word.
pub(crate) fn kind(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Database(_) => "database",
        sqlx::Error::Io(_) => "connection",
        sqlx::Error::Tls(_) => "tls",
        sqlx::Error::Protocol(_) => "protocol",
        sqlx::Error::Configuration(_) => "configuration",
        _ => "driver",
    }
}
