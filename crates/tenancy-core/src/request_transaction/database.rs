//! What an adapter's pool offers to a request's transaction.

use std::future::Future;

use crate::{Error, ScopedDatabase, TenantScope};

/// A database that can begin a transaction which outlives the function that begins it, so that it
/// can be a request's.
///
/// Adapters implement it for their pools. A transaction that is dropped must roll back, whenever that
/// comes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no transaction per request",
    label = "this is no adapter's pool",
    note = "use an adapter's pool, such as `tenancy::sqlx::postgres::TenantPool`; a driver's own pool knows no tenant"
)]
pub trait TransactionalDatabase: ScopedDatabase<Error: From<Error>> + Clone {
    /// A transaction bound to one tenant's scope.
    type Transaction: Send + 'static;
    /// What of it may be used: everything but its end.
    type Handle: ?Sized;

    /// Begins a transaction bound to `scope`.
    ///
    /// # Errors
    /// As [`acquire_owned`](ScopedDatabase::acquire_owned).
    fn begin_owned(
        &self,
        scope: TenantScope,
    ) -> impl Future<Output = Result<Self::Transaction, Self::Error>> + Send;

    /// Saves what was done in it.
    ///
    /// # Errors
    /// Where it is not saved, or not known to be.
    fn commit(
        transaction: Self::Transaction,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Takes back what was done in it. Dropped before its end, as it is where it takes long, the
    /// transaction must be rolled back all the same.
    ///
    /// # Errors
    /// Where it is not known to be taken back yet.
    fn rollback(
        transaction: Self::Transaction,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What of `transaction` may be used.
    fn handle(transaction: &Self::Transaction) -> &Self::Handle;

    /// The same, to be changed.
    fn handle_mut(transaction: &mut Self::Transaction) -> &mut Self::Handle;

    /// Whether both are handles on one pool.
    fn is_same_pool(&self, other: &Self) -> bool;
}
