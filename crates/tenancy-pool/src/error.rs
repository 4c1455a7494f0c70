//! Why no connection was handed out.

use std::sync::Arc;

/// Why no connection was handed out. In all of these nothing was run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E: std::error::Error + 'static> {
    /// The whole budget is in use, and nothing came back in time.
    #[error(
        "all connections of the pool are in use, and none came back in time: look for checkouts that are held too long, or raise max_connections"
    )]
    TimedOut,
    /// This tenant has as many connections as one tenant may have, and none came back in time.
    #[error(
        "this tenant uses as many connections as one tenant may, and none came back in time: look for checkouts that are held too long, or raise max_per_tenant"
    )]
    TenantTimedOut,
    /// The pool was closed.
    #[error("the pool is closed: nothing is handed out after close()")]
    Closed,
    /// There is no tokio runtime to work on.
    #[error("no tokio runtime is running here: call the pool from a task of one")]
    NoRuntime,
    /// A connection was being made for too long.
    #[error(
        "the database did not answer in time while a connection was made: look at the server's load and the network"
    )]
    ConnectTimedOut,
    /// No connection could be made. Shared by all who waited for it.
    #[error(transparent)]
    Connect(Arc<E>),
}
