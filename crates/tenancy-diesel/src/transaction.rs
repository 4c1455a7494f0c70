//! A transaction that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use diesel::connection::{TransactionDepthChange, TransactionManagerStatus};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager as _};
use tenancy_core::{CentralScope, TenantScope};
use tenancy_postgres_pool::{Checkout, DriverError, Error as PoolError, StillOpen};

use crate::{Diesel, Error, Failure, Tls};

/// A transaction in which one tenant's scope is open, and which ends with it.
pub type TenantTransaction<'s> = ScopedTransaction<'s, TenantScope>;

/// A transaction above the wall, for work across tenants.
pub type CentralTransaction<'s> = ScopedTransaction<'s, CentralScope>;

/// A transaction for the scope `S`, which it may not outlive. Derefs to [`AsyncPgConnection`], where
/// Diesel knows of it: its own [`transaction`](diesel_async::AsyncConnection::transaction) is a
/// savepoint in this one.
///
/// Dropped without [`commit`](Self::commit), it is rolled back.
pub struct ScopedTransaction<'s, S> {
    checkout: Checkout<Diesel>,
    still_open: StillOpen,
    scope: PhantomData<&'s S>,
}

impl<S> ScopedTransaction<'_, S> {
    pub(crate) fn new((mut checkout, still_open): (Checkout<Diesel>, StillOpen)) -> Self {
        let conn: &mut AsyncPgConnection = &mut checkout;
        let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
        if let TransactionManagerStatus::Valid(status) = status {
            // From none to one, which can't fail.
            let _begun = status.change_transaction_depth(TransactionDepthChange::IncreaseDepth);
        }
        Self {
            checkout,
            still_open,
            scope: PhantomData,
        }
    }

    /// Saves what was done. One round trip.
    ///
    /// Together with it, it asks the database whether this is still the transaction that was
    /// begun, and whether it is sound: PostgreSQL answers `COMMIT` to a failed transaction, or to
    /// none, as if all were well.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself,
    /// [`PoolError::TransactionFailed`] where a statement failed and its error was passed over,
    /// [`PoolError::Commit`] where the database refused, such as for a deferred constraint: in these
    /// nothing is saved by this commit, and so in [`Error::NestedOpen`].
    /// [`PoolError::CommitUnknown`] where the connection was lost in the midst of it.
    pub async fn commit(mut self) -> Result<(), Error> {
        let conn: &mut AsyncPgConnection = &mut self.checkout;
        let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
        // Diesel takes back nothing of its own whose future was dropped. Dropped with all, it is.
        if matches!(status.transaction_depth(), Ok(Some(depth)) if depth.get() > 1) {
            return Err(Error::NestedOpen);
        }
        Ok(self.end("COMMIT").await?)
    }

    /// Takes back what was done. Dropping does the same, without waiting.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself, so that something
    /// may be saved; [`PoolError::CommitUnknown`] where the connection was lost, and the database rolls
    /// back by itself.
    pub async fn rollback(self) -> Result<(), Error> {
        match self.end("ROLLBACK").await {
            Ok(()) | Err(PoolError::TransactionFailed) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Diesel shows neither codes nor the rows of a message, so each question is a message of its own,
    /// which fails where the answer is no. All are on the wire together, and the end is one whatever
    /// they say: in a transaction that has failed, `COMMIT` rolls back.
    async fn end(mut self, how: &'static str) -> Result<(), PoolError> {
        let end = self.still_open.end(how)?;
        let is_ours = end.sql().strip_suffix(how).unwrap_or_default();
        let is_ours = raising(is_ours.trim_end_matches([';', ' ']));
        let answers = self.checkout.all(["SELECT", &is_ours, how]).await;
        let no: [fn(DriverError) -> PoolError; 3] = [
            |_| PoolError::TransactionFailed,
            |_| PoolError::TransactionOver,
            PoolError::Commit,
        ];
        let first = answers
            .into_iter()
            .zip(no)
            .find_map(|(answer, no)| Some((answer.err()?, no)));
        let Some((error, no)) = first else {
            return Ok(());
        };
        let failure = self.checkout.failure(error).await;
        let is_lost = matches!(failure, Failure::Lost(_));
        let error = DriverError::new(&Diesel::new(Tls::none()), failure);
        Err(if is_lost {
            PoolError::CommitUnknown(Some(error))
        } else {
            no(error)
        })
    }
}

/// A query of a nonce and a truth as text, made to raise where it is not true.
fn raising(check: &str) -> String {
    format!(
        "SELECT 1 OPERATOR(pg_catalog./) COALESCE((held OPERATOR(pg_catalog.=) 'true'::pg_catalog.text)::pg_catalog.int4, 0) \
         FROM ({check}) AS tenancy_check (nonce, held)"
    )
}

impl<S> Deref for ScopedTransaction<'_, S> {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.checkout
    }
}

impl<S> DerefMut for ScopedTransaction<'_, S> {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.checkout
    }
}

impl<S> fmt::Debug for ScopedTransaction<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTransaction").finish_non_exhaustive()
    }
}
