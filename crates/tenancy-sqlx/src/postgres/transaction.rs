//! A transaction that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use sqlx::{Postgres, Transaction};
use tenancy_core::{CentralScope, TenantScope};
use tenancy_postgres::scrub::Nonce;

use super::capacity::WayBack;
use super::wire::{commit_failed, message, text};
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
    way_back: WayBack,
    scope: PhantomData<&'s S>,
}

/// How far a transaction is kept apart from those beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    #[default]
    ReadCommitted,
    /// The whole transaction sees what was committed before it.
    RepeatableRead,
    /// As if the transactions had run one after another; be ready to try again (40001).
    Serializable,
}

impl Isolation {
    pub(super) fn begin_sql(self) -> &'static str {
        match self {
            // What is pinned when a connection is made.
            Self::ReadCommitted => "BEGIN",
            Self::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Self::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }
}

/// How to tell, before its end, that a transaction is the one that was begun.
pub(super) enum StillOpen {
    /// The scope is bound to the transaction, so it is gone where SQL has ended it.
    Scope,
    /// A setting that is local to the transaction.
    Mark(Nonce),
}

impl StillOpen {
    /// Leaves the mark of a central transaction.
    pub(super) fn mark_sql(nonce: &Nonce) -> String {
        format!("SELECT pg_catalog.set_config('tenancy.open', '{nonce}', true)")
    }

    /// An expression that raises, or is false or NULL, where the transaction is over.
    fn condition(&self) -> String {
        match self {
            Self::Scope => "tenancy.current_tenant() IS NOT NULL".to_owned(),
            Self::Mark(nonce) => format!(
                "1 OPERATOR(pg_catalog./) (pg_catalog.current_setting('tenancy.open', true) \
                 OPERATOR(pg_catalog.=) '{nonce}'::pg_catalog.text)::pg_catalog.int4 IS NOT NULL"
            ),
        }
    }
}

impl<'s, S> ScopedTransaction<'s, S> {
    pub(super) fn new(
        transaction: Transaction<'s, Postgres>,
        still_open: StillOpen,
        way_back: WayBack,
    ) -> Self {
        Self {
            transaction: Some(transaction),
            still_open,
            way_back,
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
    /// [`Error::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself,
    /// [`Error::TransactionFailed`] where a statement failed and its error was passed over,
    /// [`Error::Commit`] where the database refused, such as for a deferred constraint: in these
    /// nothing is saved by this commit. [`Error::CommitUnknown`] where the connection was lost in
    /// the midst of it.
    pub async fn commit(mut self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    /// Takes back what was done. Dropping does the same, without waiting.
    ///
    /// # Errors
    /// [`Error::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself, so that something
    /// may be saved; [`Error::CommitUnknown`] where the connection was lost, and the database rolls
    /// back by itself.
    pub async fn rollback(mut self) -> Result<(), Error> {
        match self.end("ROLLBACK").await {
            // What failed is taken back when this is dropped, now.
            Err(Error::TransactionFailed) => Ok(()),
            ended => ended,
        }
    }

    async fn end(&mut self, how: &'static str) -> Result<(), Error> {
        let nonce = Nonce::random()?;
        let condition = self.still_open.condition();
        let sql =
            format!("SELECT '{nonce}'::pg_catalog.text, ({condition})::pg_catalog.text; {how}");
        let rows = message(self, sql).await.map_err(commit_failed)?;
        // Answered by another message's answer: what became of this one is not known.
        let [answer] = rows.as_slice() else {
            return Err(Error::CommitUnknown(None));
        };
        if text(answer, 0) != Some(nonce.as_str()) {
            return Err(Error::CommitUnknown(None));
        }
        if text(answer, 1) != Some("true") {
            return Err(Error::TransactionOver);
        }
        Ok(())
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
        let _entered = self.way_back.runtime.enter();
        drop(self.transaction.take());
    }
}

impl<S> fmt::Debug for ScopedTransaction<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTransaction").finish_non_exhaustive()
    }
}
