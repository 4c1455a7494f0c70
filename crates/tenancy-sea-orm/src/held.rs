//! What was checked out of tenancy-sqlx's pool.

use futures_core::future::BoxFuture;
use sqlx::postgres::PgConnection;
use tenancy_sqlx::postgres::{ScopedConnection, ScopedTransaction};

use crate::Error;

/// A connection or a transaction, bound to its scope.
pub(crate) type Held<'s> = Box<dyn Hold + 's>;

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Commit,
    Rollback,
}

/// What all four have in common.
pub(crate) trait Hold: Send {
    fn connection(&self) -> &PgConnection;

    fn connection_mut(&mut self) -> &mut PgConnection;

    fn is_transaction(&self) -> bool;

    /// Ends the transaction that this is.
    fn end<'s>(self: Box<Self>, how: How) -> BoxFuture<'s, Result<(), Error>>
    where
        Self: 's;
}

impl<S: Sync> Hold for ScopedConnection<'_, S> {
    fn connection(&self) -> &PgConnection {
        self
    }

    fn connection_mut(&mut self) -> &mut PgConnection {
        self
    }

    fn is_transaction(&self) -> bool {
        false
    }

    fn end<'s>(self: Box<Self>, _how: How) -> BoxFuture<'s, Result<(), Error>>
    where
        Self: 's,
    {
        Box::pin(async { Err(Error::Ended) })
    }
}

impl<S: Sync> Hold for ScopedTransaction<'_, S> {
    fn connection(&self) -> &PgConnection {
        self
    }

    fn connection_mut(&mut self) -> &mut PgConnection {
        self
    }

    fn is_transaction(&self) -> bool {
        true
    }

    fn end<'s>(self: Box<Self>, how: How) -> BoxFuture<'s, Result<(), Error>>
    where
        Self: 's,
    {
        Box::pin(async move {
            match how {
                How::Commit => self.commit().await?,
                How::Rollback => self.rollback().await?,
            }
            Ok(())
        })
    }
}
