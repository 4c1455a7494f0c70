//! What can go wrong between a scope and its rows.

use std::fmt;

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
    /// A key, a name, a tenant id or a server's answer was refused.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Enforcement(#[from] tenancy_postgres::Error),
    /// No sealing key was given.
    #[error(
        "there is no sealing key, so no scope can be opened: set TENANCY_SEALING_KEY to `ID:BASE64`, or give one to the builder"
    )]
    NoSealingKey,
    /// The database's URL can't be read.
    #[error("the database's URL can't be read: write postgres://user:password@host:port/database")]
    Url(#[source] DriverError),
    /// All connections are in use, and none came back in time.
    #[error(
        "all connections of the pool are in use, and none came back in time: look for checkouts that are held too long, or raise max_connections"
    )]
    PoolTimedOut,
    /// The pool was closed.
    #[error("the pool is closed: nothing is handed out after close()")]
    PoolClosed,
    /// The server did not answer in time while a connection was made or a scope was opened.
    #[error(
        "the database did not answer in time, so the connection was dropped and nothing was run: look at the server's load and the network"
    )]
    ServerTimedOut,
    /// There is no tokio runtime to work on.
    #[error("no tokio runtime is running here: call the pool from a task of one")]
    NoRuntime,
    /// No connection could be made.
    #[error("no connection to the database could be made")]
    Connect(#[source] DriverError),
    /// The connection was lost before the scope was open.
    #[error(
        "the connection was lost before the scope was open: nothing was run, so it may be tried again"
    )]
    Lost(#[source] DriverError),
    /// The database refused to open the scope.
    #[error("the database refused to open the scope: {reason}")]
    Refused {
        /// What its error code means, and what to do.
        reason: &'static str,
        /// What it said.
        #[source]
        source: DriverError,
    },
    /// The connection answers to something other than what was asked last.
    #[error(
        "the connection's answers are out of step with its questions, so it was dropped: something was left half-read on it"
    )]
    OutOfStep,
    /// The database, or the role, is not as it must be.
    #[cfg(feature = "postgres")]
    #[error("{0}")]
    Unsafe(crate::postgres::Findings),
    /// A tenant's own database file, or its placement, is not as it must be.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    Sqlite(#[from] crate::sqlite::DatabaseError),
    /// The transaction ended before its commit.
    #[error(
        "the transaction was over before its commit: SQL inside it ran COMMIT or ROLLBACK itself, so what stood before that may be saved; leave both to the commit"
    )]
    TransactionOver,
    /// The transaction had failed before its commit.
    #[error(
        "a statement in this transaction failed and its error was passed over, so nothing was saved: return the error, or put the statement in a savepoint"
    )]
    TransactionFailed,
    /// The database refused the commit.
    #[error("the database refused the commit, so nothing was saved")]
    Commit(#[source] DriverError),
    /// The connection was lost in the midst of a commit.
    #[error(
        "the connection was lost in the midst of the commit: it may be saved or not, so look before you try again"
    )]
    CommitUnknown(#[source] Option<DriverError>),
    /// A statement failed.
    #[error("the statement failed")]
    Statement(#[source] DriverError),
    /// A bulk insert whose columns don't have the same number of values, or that has no column.
    #[error(
        "a bulk insert needs at least one column, and as many values in each as in the others: nothing was inserted"
    )]
    BulkShape,
    /// A value of a bulk insert could not be written in the driver's form.
    #[error("a value of the bulk insert can't be encoded, so nothing was inserted")]
    BulkValue,
    /// A step of an installation failed, and those after it did not run.
    #[error(
        "the step `{step}` of the installation failed, and those after it were not run: mend what its source says and run it again, every step may run twice"
    )]
    Install {
        /// Which step.
        step: &'static str,
        /// What the database said.
        #[source]
        source: DriverError,
    },
}

impl Error {
    /// This crate's error in one of SQLx's, where the conversion into `sqlx::Error` has put it.
    ///
    /// ```
    /// use tenancy_sqlx::Error;
    ///
    /// let theirs = sqlx::Error::from(Error::PoolTimedOut);
    /// assert!(matches!(Error::find(&theirs), Some(Error::PoolTimedOut)));
    /// ```
    pub fn find(error: &sqlx::Error) -> Option<&Self> {
        match error {
            sqlx::Error::Configuration(source) => source.downcast_ref(),
            _ => None,
        }
    }
}

/// So that a closure's own error type may be `sqlx::Error`. What the driver said about a statement
/// or a commit stays as it is; everything else is boxed, and [`Error::find`] gets it back.
impl From<Error> for sqlx::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Statement(driver) | Error::Commit(driver) => driver.0,
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
        let kind = match &self.0 {
            sqlx::Error::Database(_) => "database",
            sqlx::Error::Io(_) => "connection",
            sqlx::Error::Tls(_) => "tls",
            sqlx::Error::Protocol(_) => "protocol",
            sqlx::Error::Configuration(_) => "configuration",
            _ => "driver",
        };
        let code = self
            .0
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        f.debug_struct("DriverError")
            .field("kind", &kind)
            .field("code", &code)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for DriverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
