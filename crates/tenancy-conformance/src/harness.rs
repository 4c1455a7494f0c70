//! What an adapter implements to be judged.

use futures_util::future::BoxFuture;
use tenancy_core::{BoxError, TenantScope};

use crate::{Body, Row, Session, TransactionSession};

/// An adapter, as the suite drives it: its three verbs, through its own public API alone.
///
/// Build the adapter with **one** connection, so that every scope gets the connection that the
/// scope before it left behind. The suite notices when that is not so.
///
/// A verb that can't open the scope returns an error, whichever: the suite judges by what an
/// independent connection sees, never by what the adapter says.
pub trait Harness: Send + Sync {
    /// The adapter's name, for the report: `tenancy-sqlx`.
    fn adapter(&self) -> &str;

    /// Checks a connection out, bound to `scope`. Dropping the session gives it back.
    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>>;

    /// Begins a transaction bound to `scope`. Dropping the session without a commit must roll it
    /// back.
    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>>;

    /// The verb that takes a closure. Inside it, hand the closure's connection to
    /// [`Body::run`] and return what that returns: `Ok` must commit; an error or a panic must roll
    /// back and come out of this call.
    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>>;
}
