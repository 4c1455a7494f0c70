//! A connection that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use diesel_async::AsyncPgConnection;
use tenancy_core::{CentralScope, TenantScope};
use tenancy_postgres_pool::Checkout;

use crate::Diesel;

/// A connection on which one tenant's scope is open, until it is dropped.
pub type TenantConnection<'s> = ScopedConnection<'s, TenantScope>;

/// A connection above the wall, for work across tenants.
pub type CentralConnection<'s> = ScopedConnection<'s, CentralScope>;

/// A connection for the scope `S`, which it may not outlive. Derefs to [`AsyncPgConnection`], so
/// everything that Diesel can do can be done on it, transactions with savepoints included.
///
/// For a tenant, the database enforces the wall on whatever is run. When it is dropped it is
/// cleaned before anyone else gets it; what still runs on it is cancelled, and the connection closed.
///
/// What the types don't hold: `std::mem::swap` can put another connection in its place, and carry this
/// one away. It stays the same tenant's, and a connection that was swapped in is closed rather than
/// used again.
pub struct ScopedConnection<'s, S> {
    checkout: Checkout<Diesel>,
    scope: PhantomData<&'s S>,
}

impl<S> ScopedConnection<'_, S> {
    pub(crate) fn new(checkout: Checkout<Diesel>) -> Self {
        Self {
            checkout,
            scope: PhantomData,
        }
    }
}

impl<S> Deref for ScopedConnection<'_, S> {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.checkout
    }
}

impl<S> DerefMut for ScopedConnection<'_, S> {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.checkout
    }
}

impl<S> fmt::Debug for ScopedConnection<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedConnection").finish_non_exhaustive()
    }
}
