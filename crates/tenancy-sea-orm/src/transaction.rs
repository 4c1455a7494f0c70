//! A transaction that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;

use sea_orm::Statement;
use tenancy_core::{CentralScope, TenantScope};

use crate::held::How;
use crate::place::Place;
use crate::{DriverConnection, Error, RowStream};

/// A transaction in one tenant's scope.
pub type TenantTransaction<'s> = ScopedTransaction<'s, TenantScope>;

/// A transaction above the wall, for work across tenants.
pub type CentralTransaction<'s> = ScopedTransaction<'s, CentralScope>;

/// A transaction for the scope `S`, which it may not outlive. It has SeaORM's traits, as
/// [`ScopedConnection`](crate::ScopedConnection) does; a transaction that is begun in it is a
/// savepoint.
///
/// Dropped without [`commit`](Self::commit), it is rolled back: one inside another before the next
/// statement of that one is run. While one is open inside it, a statement on it is part of that one, as
/// with SeaORM's own.
pub struct ScopedTransaction<'s, S> {
    pub(crate) place: Place<'s>,
    scope: PhantomData<fn(&'s S)>,
}

impl<'s, S> ScopedTransaction<'s, S> {
    pub(crate) fn new(place: Place<'s>) -> Self {
        Self {
            place,
            scope: PhantomData,
        }
    }

    /// Saves what was done, as far as the transaction around it does. One round trip.
    ///
    /// In the same message it asks the database whether this is still the transaction that was begun,
    /// and whether it is sound: PostgreSQL answers `COMMIT` to a failed transaction, or to none, as if
    /// all were well.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`](crate::PoolError::TransactionOver) where SQL ran `COMMIT` or `ROLLBACK` itself,
    /// [`PoolError::TransactionFailed`](crate::PoolError::TransactionFailed) where a statement failed and its error was passed over,
    /// [`PoolError::Commit`](crate::PoolError::Commit) where the database refused, [`Error::NestedOpen`], [`Error::Ended`]: in
    /// these nothing is saved by this commit. [`PoolError::CommitUnknown`](crate::PoolError::CommitUnknown) where the connection was
    /// lost in the midst of it.
    pub async fn commit(self) -> Result<(), Error> {
        self.end(How::Commit).await
    }

    /// Takes back what was done. Dropping does the same, without waiting.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`](crate::PoolError::TransactionOver) where SQL ran `COMMIT` or `ROLLBACK` itself, so that something may
    /// be saved; [`PoolError::CommitUnknown`](crate::PoolError::CommitUnknown) where the connection was lost, and the database rolls back by
    /// itself.
    pub async fn rollback(self) -> Result<(), Error> {
        self.end(How::Rollback).await
    }

    /// The rows of one statement, as they are asked for. SeaORM's own `.stream(&db)` does the same, but
    /// not in a future that has to be `Send` (a handler's, a spawned task's): there the compiler can't
    /// see that this handle, which has its scope's lifetime, outlives the stream.
    ///
    /// # Errors
    /// [`Error::Ended`]. What the statement fails with comes in the stream.
    pub async fn rows(&self, statement: Statement) -> Result<RowStream<'_>, Error> {
        Ok(RowStream::over(self.place.turn().await?, statement))
    }

    /// SQLx's own connection, for `sqlx::query` and [`BulkInsert`](crate::BulkInsert). It has its turn
    /// until it is dropped.
    ///
    /// # Errors
    /// [`Error::Ended`].
    pub async fn driver(&self) -> Result<DriverConnection<'_>, Error> {
        Ok(DriverConnection::new(self.place.turn().await?))
    }

    pub(crate) async fn end(self, how: How) -> Result<(), Error> {
        self.place.clone().end(how).await
    }
}

impl<S> Drop for ScopedTransaction<'_, S> {
    fn drop(&mut self) {
        self.place.give_up();
    }
}

impl<S> fmt::Debug for ScopedTransaction<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTransaction").finish_non_exhaustive()
    }
}
