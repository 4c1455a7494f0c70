//! Drivers whose transactions own their connection.

use std::future::Future;

use crate::{Checkout, Driver};

/// Begins a transaction that owns its connection, as a driver's own type wants.
pub trait Begins<D: Driver>: Sync {
    /// What was begun. It holds the checkout, or gives it back when it ends.
    type Transaction: Send;

    /// Sends `sql`, which begins a transaction and opens a scope in it, and waits for its answer.
    /// After it, [`Link::opened`](crate::Link::opened) must have been called; dropped or failed
    /// before that, the connection is closed.
    ///
    /// # Errors
    /// The driver's.
    fn begin(
        &self,
        checkout: Checkout<D>,
        sql: String,
    ) -> impl Future<Output = Result<Self::Transaction, D::Error>> + Send;
}
