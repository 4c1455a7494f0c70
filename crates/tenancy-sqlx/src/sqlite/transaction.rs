//! A transaction in the scope's own database.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{SqlSafeStr, Sqlite, Transaction};
use tenancy_core::TenantScope;

use super::error::DatabaseError;
use super::pool::Place;
use crate::Error;

/// A transaction in the scope's own database: SQLx's own type, for code that takes one.
///
/// It is a writing one from its start (`BEGIN IMMEDIATE`), so that two of one tenant's wait for each
/// other instead of failing half-way; in a read-only scope it only reads. Only [`commit`](Self::commit) saves: dropped, it is rolled
/// back, and a `COMMIT` in its SQL saves nothing and rolls it back.
pub struct SqliteTenantTransaction<'s> {
    transaction: Option<Transaction<'static, Sqlite>>,
    place: Place,
    _scope: PhantomData<&'s TenantScope>,
}

impl SqliteTenantTransaction<'_> {
    pub(super) async fn begin(
        place: Place,
        connection: PoolConnection<Sqlite>,
        read_only: bool,
    ) -> Result<Self, Error> {
        let mut this = Self {
            transaction: None,
            place,
            _scope: PhantomData,
        };
        // Who only reads takes no lock from those who write.
        let begin = if read_only {
            "BEGIN"
        } else {
            "BEGIN IMMEDIATE"
        };
        let begin = Transaction::begin(connection, Some(begin.into_sql_str()));
        this.transaction = Some(
            begin
                .await
                .map_err(|error| Error::Statement(error.into()))?,
        );
        if let Some(state) = this.place.state() {
            state.hold();
        }
        Ok(this)
    }

    /// Saves what was done.
    ///
    /// # Errors
    /// [`DatabaseError::TransactionOver`] where SQL in it has ended the transaction: its `COMMIT` was turned
    /// into a rollback, and nothing was saved. [`DatabaseError::Commit`] where SQLite refuses.
    pub async fn commit(mut self) -> Result<(), Error> {
        let (Some(transaction), Some(state)) = (self.transaction.take(), self.place.state()) else {
            return Err(DatabaseError::TransactionOver.into());
        };
        if !state.let_commit() {
            self.transaction = Some(transaction);
            return Err(DatabaseError::TransactionOver.into());
        }
        match transaction.commit().await {
            Ok(()) => Ok(()),
            // A COMMIT that was queued before ours, by a future that was dropped, went through.
            Err(_) if state.was_committed() => Err(DatabaseError::TransactionOver.into()),
            Err(error) => Err(DatabaseError::Commit(error.into()).into()),
        }
    }

    /// Undoes what was done, and waits until it is undone.
    ///
    /// # Errors
    /// [`Error::Statement`] where SQLite can't; it is undone when the connection is closed, which
    /// it is then.
    pub async fn rollback(mut self) -> Result<(), Error> {
        match self.transaction.take() {
            Some(transaction) => transaction
                .rollback()
                .await
                .map_err(|error| Error::Statement(error.into())),
            None => Ok(()),
        }
    }
}

impl Deref for SqliteTenantTransaction<'_> {
    type Target = Transaction<'static, Sqlite>;

    #[allow(clippy::expect_used)] // taken in `commit`, `rollback` and `drop` alone, which end it
    fn deref(&self) -> &Self::Target {
        self.transaction
            .as_ref()
            .expect("a transaction before its end")
    }
}

impl DerefMut for SqliteTenantTransaction<'_> {
    #[allow(clippy::expect_used)] // taken in `commit`, `rollback` and `drop` alone, which end it
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.transaction
            .as_mut()
            .expect("a transaction before its end")
    }
}

impl Drop for SqliteTenantTransaction<'_> {
    fn drop(&mut self) {
        self.place.release(self.transaction.take());
    }
}

impl fmt::Debug for SqliteTenantTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTenantTransaction")
            .finish_non_exhaustive()
    }
}
