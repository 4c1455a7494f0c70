//! A transaction that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use sqlx::{Postgres, Transaction};
use tenancy_core::{CentralScope, TenantScope};
use tenancy_postgres_pool::{Checkout, Error as PoolError, StillOpen};

use super::driver::{Begun, Sqlx, message};
use crate::Error;

/// A transaction in which one tenant's scope is open, and which ends with it.
pub type TenantTransaction<'s> = ScopedTransaction<'s, TenantScope>;

/// A transaction above the wall, for work across tenants.
pub type CentralTransaction<'s> = ScopedTransaction<'s, CentralScope>;

/// A transaction for the scope `S`, which it may not outlive. Derefs to the driver's own
/// [`Transaction`], for code that takes `&mut Transaction<'_, Postgres>`; `&mut **tx` is its
/// connection.
///
/// Dropped without [`commit`](Self::commit), it is rolled back.
pub struct ScopedTransaction<'s, S> {
    /// `None` only while it is dropped.
    transaction: Option<Transaction<'s, Postgres>>,
    still_open: StillOpen,
    /// What the connection goes back to.
    checkout: Checkout<Sqlx>,
    scope: PhantomData<&'s S>,
}

impl<S> ScopedTransaction<'_, S> {
    pub(super) fn new(((transaction, checkout), still_open): (Begun, StillOpen)) -> Self {
        Self {
            transaction: Some(transaction),
            still_open,
            checkout,
            scope: PhantomData,
        }
    }

    /// Saves what was done.
    ///
    /// In the same message it asks the database whether this is still the transaction that was
    /// begun, and whether it is sound: PostgreSQL answers `COMMIT` to a failed transaction, or to
    /// none, as if all were well.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself,
    /// [`PoolError::TransactionFailed`] where a statement failed and its error was passed over,
    /// [`PoolError::Commit`] where the database refused, such as for a deferred constraint: in these
    /// nothing is saved by this commit. [`PoolError::CommitUnknown`] where the connection was lost in
    /// the midst of it.
    pub async fn commit(mut self) -> Result<(), Error> {
        Ok(self.end("COMMIT").await?)
    }

    /// Takes back what was done. Dropping does the same, without waiting.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself, so that something
    /// may be saved; [`PoolError::CommitUnknown`] where the connection was lost, and the database
    /// rolls back by itself.
    pub async fn rollback(mut self) -> Result<(), Error> {
        match self.end("ROLLBACK").await {
            // What failed is taken back when this is dropped, now.
            Ok(()) | Err(PoolError::TransactionFailed) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn end(&mut self, how: &'static str) -> Result<(), PoolError> {
        let end = self.still_open.end(how)?;
        let answer = message(self, end.sql().to_owned()).await;
        end.judge(&Sqlx, answer)
    }
}

impl<'s, S> Deref for ScopedTransaction<'s, S> {
    type Target = Transaction<'s, Postgres>;

    #[allow(clippy::expect_used)] // taken by `drop` only
    fn deref(&self) -> &Self::Target {
        self.transaction
            .as_ref()
            .expect("a transaction is there until it is dropped")
    }
}

impl<S> DerefMut for ScopedTransaction<'_, S> {
    #[allow(clippy::expect_used)] // as above
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.transaction
            .as_mut()
            .expect("a transaction is there until it is dropped")
    }
}

impl<S> Drop for ScopedTransaction<'_, S> {
    fn drop(&mut self) {
        // SQLx queues the rollback and spawns the way back, also when dropped outside a runtime.
        let _entered = self.checkout.runtime().enter();
        drop(self.transaction.take());
    }
}

impl<S> fmt::Debug for ScopedTransaction<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTransaction").finish_non_exhaustive()
    }
}
