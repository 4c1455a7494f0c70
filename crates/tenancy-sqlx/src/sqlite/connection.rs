//! A connection to the scope's own database.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Executor, Sqlite, SqliteConnection};
use tenancy_core::TenantScope;

use super::pool::Place;

/// A connection to the scope's own database, with SQLx's whole interface.
///
/// It reaches that database alone: `ATTACH` and what else leads out of the file is refused by
/// SQLite ([`tenancy_sqlite`] has the list). When it is dropped, a transaction left open in it is
/// rolled back and a statement that still runs is stopped, before anyone gets it again.
///
/// It borrows its scope, so it can't outlive it (the `'static` one, from
/// [`acquire_owned`](super::SqliteTenants::acquire_owned), is for what must).
pub struct SqliteTenantConnection<'s> {
    connection: Option<PoolConnection<Sqlite>>,
    place: Place,
    _scope: PhantomData<&'s TenantScope>,
}

impl SqliteTenantConnection<'_> {
    pub(super) fn new(place: Place, connection: PoolConnection<Sqlite>) -> Self {
        Self {
            connection: Some(connection),
            place,
            _scope: PhantomData,
        }
    }

    /// SQLx's executor, for code that takes `impl Executor<'_, Database = Sqlite>`.
    pub fn executor(&mut self) -> impl Executor<'_, Database = Sqlite> {
        &mut **self
    }
}

impl Deref for SqliteTenantConnection<'_> {
    type Target = SqliteConnection;

    #[allow(clippy::expect_used)] // taken in `drop` alone
    fn deref(&self) -> &SqliteConnection {
        self.connection
            .as_ref()
            .expect("a connection before its drop")
    }
}

impl DerefMut for SqliteTenantConnection<'_> {
    #[allow(clippy::expect_used)] // taken in `drop` alone
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection
            .as_mut()
            .expect("a connection before its drop")
    }
}

impl Drop for SqliteTenantConnection<'_> {
    fn drop(&mut self) {
        self.place.release(self.connection.take());
    }
}

impl fmt::Debug for SqliteTenantConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTenantConnection")
            .finish_non_exhaustive()
    }
}
