//! A connection that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;

use sea_orm::Statement;
use tenancy_core::{CentralScope, TenantScope};

use crate::held::Held;
use crate::place::Place;
use crate::{DriverConnection, Error, RowStream};

/// A connection on which one tenant's scope is open, until it is dropped.
pub type TenantConnection<'s> = ScopedConnection<'s, TenantScope>;

/// A connection above the wall, for work across tenants.
pub type CentralConnection<'s> = ScopedConnection<'s, CentralScope>;

/// A connection for the scope `S`, which it may not outlive. It has SeaORM's
/// [`ConnectionTrait`](sea_orm::ConnectionTrait), [`TransactionTrait`](sea_orm::TransactionTrait) and
/// [`StreamTrait`](sea_orm::StreamTrait), so `Entity::find().all(&db)` and whatever else takes one of
/// them runs on it unchanged.
///
/// For a tenant, the database enforces the wall on whatever is run. When it is dropped it is cleaned
/// before anyone else gets it, and closed where that can't be done in time.
///
/// It is one connection, where SeaORM's `DatabaseConnection` is a pool of them. Statements take turns.
/// A stream has its turn until it ends or is dropped, so a statement that is run for each row of one
/// needs a connection of its own, or the rows collected first. While a transaction that was begun on
/// it is open, a statement beside the transaction is refused, with [`Error::InTransaction`].
pub struct ScopedConnection<'s, S> {
    pub(crate) place: Place<'s>,
    scope: PhantomData<fn(&'s S)>,
}

impl<'s, S> ScopedConnection<'s, S> {
    pub(crate) fn new(held: Held<'s>) -> Self {
        Self {
            place: Place::first(held),
            scope: PhantomData,
        }
    }

    /// The rows of one statement, as they are asked for. SeaORM's own `.stream(&db)` does the same, but
    /// not in a future that has to be `Send` (a handler's, a spawned task's): there the compiler can't
    /// see that this handle, which has its scope's lifetime, outlives the stream.
    ///
    /// # Errors
    /// [`Error::InTransaction`] while a transaction that was begun on this is open. What the statement fails with comes in the stream.
    pub async fn rows(&self, statement: Statement) -> Result<RowStream<'_>, Error> {
        Ok(RowStream::over(self.place.turn().await?, statement))
    }

    /// SQLx's own connection, for `sqlx::query` and [`BulkInsert`](crate::BulkInsert). It has its turn
    /// until it is dropped.
    ///
    /// # Errors
    /// [`Error::InTransaction`] while a transaction that was begun on this is open.
    pub async fn driver(&self) -> Result<DriverConnection<'_>, Error> {
        Ok(DriverConnection::new(self.place.turn().await?))
    }
}

impl<S> fmt::Debug for ScopedConnection<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedConnection").finish_non_exhaustive()
    }
}
