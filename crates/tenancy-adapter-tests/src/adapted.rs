//! What an adapter shows of itself, so that the tests which all of them share can be played.

use std::future::Future;

use tenancy_conformance::{Harness, Session};
use tenancy_core::{BoxError, Error, RequestTransaction, TenantScope, TransactionalDatabase};
use tenancy_postgres::verify::Finding;
use tenancy_postgres_pool::{Adapter, Error as PoolError, PoolStatus, TenantPoolBuilder};

use crate::World;

/// An adapter's tenant pool in a [`World`].
pub trait Adapted: Harness + Clone + 'static {
    /// What the adapter runs on.
    type Driver: Adapter;

    /// The adapter's own error.
    type Error: std::error::Error + From<Error> + Send + Sync + 'static;

    /// The pool itself.
    type Pool: TransactionalDatabase<Error = Self::Error>;

    /// The pool's settings, for this URL.
    fn builder(url: &str) -> TenantPoolBuilder<Self::Driver>;

    /// Connects.
    fn connect(
        world: &World<'_>,
        builder: TenantPoolBuilder<Self::Driver>,
    ) -> impl Future<Output = Result<Self, Self::Error>>;

    /// What the pool below said, if it was the pool.
    fn of_the_pool(error: &Self::Error) -> Option<&PoolError>;

    /// Checks a connection out and gives it back. Unlike [`Harness::acquire`] also behind a pooler,
    /// where there is none to be had.
    fn check_out(&self, scope: &TenantScope) -> impl Future<Output = Result<(), Self::Error>>;

    /// The transaction of the request that `scope` was opened for.
    fn request_transaction<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> impl Future<Output = Result<RequestTransaction<'s, Self::Pool>, Self::Error>> + Send;

    /// What a handle on it is, to the suite.
    fn session<'h>(
        handle: &'h mut <Self::Pool as TransactionalDatabase>::Handle,
    ) -> Box<dyn Session + 'h>;

    /// How the pool is.
    fn status(&self) -> PoolStatus;

    /// Empties all shelves.
    fn evict_all(&self);

    /// Looks for holes, for everyone or as one tenant.
    fn verify(
        &self,
        scope: Option<&TenantScope>,
    ) -> impl Future<Output = Result<Vec<Finding>, Self::Error>>;

    /// What core said, if it was core.
    fn of_the_scope(error: &Self::Error) -> Option<&Error> {
        match Self::of_the_pool(error)? {
            PoolError::Scope(error) => Some(error),
            _ => None,
        }
    }

    /// Whether a case may be left out for this reason.
    fn may_skip(_why: &str) -> bool {
        false
    }

    /// What the pool below said in an error that a [`Harness`] handed on.
    fn pool_error(error: &BoxError) -> Option<&PoolError> {
        error.downcast_ref().and_then(Self::of_the_pool)
    }
}
