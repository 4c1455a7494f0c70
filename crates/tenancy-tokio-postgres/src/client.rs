//! A client that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use deadpool_postgres::ClientWrapper;
use tenancy_core::{CentralScope, TenantScope};
use tenancy_postgres_pool::Checkout;

use crate::TokioPostgres;

/// A client on which one tenant's scope is open, until it is dropped.
pub type TenantClient<'s> = ScopedClient<'s, TenantScope>;

/// A client above the wall, for work across tenants.
pub type CentralClient<'s> = ScopedClient<'s, CentralScope>;

/// A client for the scope `S`, which it may not outlive. Derefs to deadpool-postgres's
/// [`ClientWrapper`], and through it to [`tokio_postgres::Client`], so everything that they can do can
/// be done on it: transactions with savepoints and `prepare_cached` included.
///
/// For a tenant, the database enforces the wall on whatever is run. When it is dropped it is
/// cleaned before anyone else gets it; what still runs on it is cancelled, and the connection closed.
///
/// What the types don't hold: `std::mem::swap` can put another client in its place, and carry this
/// one away. It stays the same tenant's, and a client that was swapped in is closed rather than used
/// again.
pub struct ScopedClient<'s, S> {
    checkout: Checkout<TokioPostgres>,
    scope: PhantomData<&'s S>,
}

impl<S> ScopedClient<'_, S> {
    pub(crate) fn new(checkout: Checkout<TokioPostgres>) -> Self {
        Self {
            checkout,
            scope: PhantomData,
        }
    }
}

impl<S> Deref for ScopedClient<'_, S> {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.checkout
    }
}

impl<S> DerefMut for ScopedClient<'_, S> {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.checkout
    }
}

impl<S> fmt::Debug for ScopedClient<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedClient").finish_non_exhaustive()
    }
}
