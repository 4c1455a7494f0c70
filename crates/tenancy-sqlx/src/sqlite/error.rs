//! What can be wrong with one tenant's database, and with what is done in it.

use tenancy_core::BoxError;

use crate::DriverError;

/// Why a tenant's database was not opened, made or removed, or what was done in it not saved.
///
/// No variant holds a path, a tenant's id or a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The folder, the file or a guard. A database that was never provisioned is
    /// [`tenancy_sqlite::Error::Missing`].
    #[error(transparent)]
    File(#[from] tenancy_sqlite::Error),
    /// The tenant's placement is not the file that its id names.
    #[error(
        "the tenant's placement does not name the database that its id names, so nothing was opened: record the placement that provision() answered with"
    )]
    Placement,
    /// The file does not carry this tenant's mark.
    #[error(
        "the file in the place of this tenant's database does not carry this tenant's mark, so nothing was read from it: it was swapped, restored into the wrong place, or not made by provision()"
    )]
    NotThisTenants,
    /// The database would not go into WAL mode.
    #[error(
        "this tenant's database is not in WAL mode and can't be put into it: use a local file system, and nothing else on the file"
    )]
    NotWal,
    /// As many tenants' databases are open as may be, all in use.
    #[error(
        "as many tenants' databases as may be open are in use, and none came free in time: raise max_open, or hold checkouts for a shorter time"
    )]
    AllInUse,
    /// All of this tenant's connections are in use, and none came back in time.
    #[error(
        "all of this tenant's connections are in use, and none came back in time: look for checkouts that are held too long, or raise connections_per_tenant"
    )]
    PoolTimedOut,
    /// The databases were closed.
    #[error("the tenants' databases are closed: nothing is handed out after close()")]
    PoolClosed,
    /// There is no tokio runtime to work on.
    #[error("no tokio runtime is running here: call the pool from a task of one")]
    NoRuntime,
    /// No connection could be made.
    #[error("no connection to this tenant's database could be made")]
    Connect(#[source] DriverError),
    /// The transaction ended before its commit.
    #[error(
        "the transaction was over before its commit: SQL inside it ran COMMIT or ROLLBACK itself, and nothing was saved; leave both to the commit"
    )]
    TransactionOver,
    /// SQLite refused the commit.
    #[error("SQLite refused the commit, so nothing was saved")]
    Commit(#[source] DriverError),
    /// It was not open in time.
    #[error(
        "this tenant's database was not open in time: it is locked, or its disk is slow; other tenants are not held up by it"
    )]
    OpenTimedOut,
    /// It is being removed.
    #[error("this tenant's database is being removed, so it is not handed out")]
    BeingRemoved,
    /// It can't be removed now.
    #[error(
        "this tenant's database is in use, so it was not removed: end its scopes, and stop other processes that have it open"
    )]
    InUse,
    /// A statement of the schema failed.
    #[error(
        "statement {number} of the schema failed, so no database was made: mend it and provision again"
    )]
    Schema {
        /// Which statement, from 1.
        number: usize,
        /// What SQLite said.
        #[source]
        source: DriverError,
    },
    /// The function that prepares a new database failed.
    #[error("the function that prepares a new database failed, so no database was made")]
    Prepare(#[source] BoxError),
    /// The function that prepares a new database left a transaction open.
    #[error(
        "the function that prepares a new database left a transaction open, so no database was made: commit in it"
    )]
    PrepareUnfinished,
    /// A new database could not be made.
    #[error("a new database could not be made: see its source for what SQLite said")]
    Make(#[source] DriverError),
    /// A database could not be removed.
    #[error(
        "this tenant's database could not be removed whole: it is not served any more; remove it again"
    )]
    Remove(#[source] DriverError),
}
