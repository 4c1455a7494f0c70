//! What can go wrong between a scope and its rows.

use std::sync::Arc;

use tenancy_postgres::sqlstate;

use crate::{DriverError, Findings};

/// Why a tenant's data could not be reached, or why what was done is not known to be saved.
///
/// No variant shows a secret, a row, a query argument or a tenant's id. The driver's own error, where
/// there is one, is the `source`; log its `Display` form, for its `Debug` form may show a row.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scope can't be used here and now.
    #[error(transparent)]
    Scope(Arc<tenancy_core::Error>),
    /// A key, a name, a tenant id or a server's answer was refused.
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
    /// The tenant's placement is of another strategy than the pool's, or lacks what it needs.
    #[error(
        "the tenant is placed by another strategy than this pool's, or its placement lacks a part: look at its record in the store"
    )]
    Placement,
    /// The tenant's placement names a server that the pool does not know.
    #[error(
        "the tenant is placed on a server that this pool has no URL for: add it to the builder"
    )]
    UnknownServer,
    /// The tenant's login could not be had.
    #[error(
        "the credential of the tenant's login can't be had, so nothing was run: look at what the credential provider says"
    )]
    Credential(#[source] Arc<tenancy_core::BoxError>),
    /// A connection that stays bound was asked for through a transaction pooler.
    #[error(
        "through a transaction pooler no scope outlives its transaction, so none stays bound to a connection: use begin or transaction"
    )]
    NeedsTransaction,
    /// There is no connection but tenants' own.
    #[error(
        "each connection of this pool is one tenant's, so there is none to look at the whole with: verify it for one of the tenants"
    )]
    NeedsTenant,
    /// What was set on the builder does not fit together.
    #[error("the pool's settings don't fit together: {reason}")]
    Settings {
        /// Which, and what to do.
        reason: &'static str,
    },
    /// All connections are in use, and none came back in time.
    #[error(
        "all connections of the pool are in use, and none came back in time: look for checkouts that are held too long, or raise max_connections"
    )]
    PoolTimedOut,
    /// This tenant has as many connections as one may have, and none came back in time.
    #[error(
        "this tenant uses as many connections as one tenant may, and none came back in time: look for checkouts that are held too long, or raise max_per_tenant"
    )]
    TenantTimedOut,
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
    #[error("{0}")]
    Unsafe(Findings),
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
    /// What an error says about the connection on which a scope was being opened.
    pub(crate) fn opening(error: DriverError) -> Self {
        if error.is_lost() {
            return Self::Lost(error);
        }
        let Some(code) = error.code() else {
            return Self::OutOfStep;
        };
        let reason =
            sqlstate::explain(code).unwrap_or("its error code is none of ours, see its message");
        Self::Refused {
            reason,
            source: error,
        }
    }
}

impl From<tenancy_core::Error> for Error {
    fn from(error: tenancy_core::Error) -> Self {
        Self::Scope(Arc::new(error))
    }
}

impl From<tenancy_pool::Error<Self>> for Error {
    fn from(error: tenancy_pool::Error<Self>) -> Self {
        match error {
            tenancy_pool::Error::TimedOut => Self::PoolTimedOut,
            tenancy_pool::Error::TenantTimedOut => Self::TenantTimedOut,
            tenancy_pool::Error::Closed => Self::PoolClosed,
            tenancy_pool::Error::ConnectTimedOut => Self::ServerTimedOut,
            tenancy_pool::Error::Connect(error) => (*error).clone(),
            // Also what a later version may add.
            _ => Self::NoRuntime,
        }
    }
}
