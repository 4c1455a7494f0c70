//! A connection that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use sqlx::postgres::PgConnection;
use sqlx::{Executor, Postgres};
use tenancy_core::{CentralScope, TenantScope};
use tenancy_postgres_pool::Checkout;

use super::driver::Sqlx;

/// A connection on which one tenant's scope is open, until it is dropped.
pub type TenantConnection<'s> = ScopedConnection<'s, TenantScope>;

/// A connection above the wall, for work across tenants.
pub type CentralConnection<'s> = ScopedConnection<'s, CentralScope>;

/// A connection for the scope `S`, which it may not outlive. Derefs to the driver's own
/// [`PgConnection`], so everything that SQLx can do can be done on it.
///
/// For a tenant, the database enforces the wall on whatever is run. When it is dropped it is
/// cleaned before anyone else gets it: open transactions are rolled back, and settings, cursors,
/// locks and listeners go away. What can't be cleaned within a bounded time is closed instead.
///
/// What the types don't hold: `std::mem::swap` can put another connection in its place, and carry
/// this one away. It stays the same tenant's, and a connection that was swapped in is closed rather
/// than used again.
pub struct ScopedConnection<'s, S> {
    checkout: Checkout<Sqlx>,
    scope: PhantomData<&'s S>,
}

impl<S> ScopedConnection<'_, S> {
    pub(super) fn new(checkout: Checkout<Sqlx>) -> Self {
        Self {
            checkout,
            scope: PhantomData,
        }
    }

    /// SQLx's own executor type, for one statement on the spot:
    /// `query.fetch_all(pool.acquire(&scope).await?.executor()).await?`.
    pub fn executor(&mut self) -> impl Executor<'_, Database = Postgres> {
        &mut **self
    }
}

impl<S> Deref for ScopedConnection<'_, S> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.checkout
    }
}

impl<S> DerefMut for ScopedConnection<'_, S> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.checkout
    }
}

impl<S> fmt::Debug for ScopedConnection<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedConnection").finish_non_exhaustive()
    }
}
