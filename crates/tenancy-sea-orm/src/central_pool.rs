//! The pool above the wall, for work across tenants that is asked for by name.

use std::fmt;
use std::future::Future;

use tenancy_core::CentralScope;
use tenancy_postgres::verify::Finding;
use tenancy_sqlx::postgres::{
    CentralPool as SqlxCentralPool, CentralPoolBuilder, Isolation, PoolStatus,
};

use crate::held::How;
use crate::place::Place;
use crate::{CentralConnection, CentralTransaction, Error, TransactionFn};

/// Connections of the central role, which sees every tenant's rows. A pool and a login of its own:
/// there is no setting that turns a tenant's connection into one of these.
///
/// Cheap to clone; all clones are one pool.
#[derive(Clone)]
pub struct CentralPool {
    pool: SqlxCentralPool,
}

impl CentralPool {
    /// Connects as the central role, and looks at what that role is.
    ///
    /// # Errors
    /// [`PoolError::Unsafe`](crate::PoolError::Unsafe) where it is a superuser, may create roles, or is
    /// not above the wall; [`PoolError`](crate::PoolError) has where it did not come so far.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(Self::builder(url)).await
    }

    /// Settings for [`connect_with`](Self::connect_with).
    pub fn builder(url: &str) -> CentralPoolBuilder {
        SqlxCentralPool::builder(url)
    }

    /// As [`connect`](Self::connect), with settings of its own.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(settings: CentralPoolBuilder) -> Result<Self, Error> {
        Ok(settings.connect().await?.into())
    }

    /// The pool that this stands on, for code on SQLx.
    pub fn as_sqlx(&self) -> &SqlxCentralPool {
        &self.pool
    }

    /// A connection above the wall. One round trip, to see that it is alive.
    ///
    /// # Errors
    /// [`PoolError`](crate::PoolError); in each nothing was run.
    pub async fn acquire<'s>(
        &self,
        scope: &'s CentralScope,
    ) -> Result<CentralConnection<'s>, Error> {
        let connection = self.pool.acquire(scope).await?;
        Ok(CentralConnection::new(Box::new(connection)))
    }

    /// A transaction above the wall.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn begin<'s>(
        &self,
        scope: &'s CentralScope,
    ) -> Result<CentralTransaction<'s>, Error> {
        self.begin_isolated(scope, Isolation::default()).await
    }

    /// As [`begin`](Self::begin), at an isolation level. It can't be set later.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn begin_isolated<'s>(
        &self,
        scope: &'s CentralScope,
        isolation: Isolation,
    ) -> Result<CentralTransaction<'s>, Error> {
        let begun = self.pool.begin_isolated(scope, isolation).await?;
        Ok(CentralTransaction::new(Place::first(Box::new(begun))))
    }

    /// Runs `work` in a transaction above the wall: `Ok` commits; an error, a panic or a dropped
    /// future rolls back.
    ///
    /// # Errors
    /// What `work` returns, as it is; before it what [`begin`](Self::begin) fails with, and after
    /// it what [`commit`](CentralTransaction::commit) does.
    #[allow(clippy::manual_async_fn)] // `Send`, whatever the caller's `F` is, has to be said
    pub fn transaction<'a, T, E, F>(
        &'a self,
        scope: &'a CentralScope,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&CentralTransaction<'a>) -> Result<T, E>
            + for<'c> TransactionFn<'c, CentralTransaction<'a>, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        async move {
            let transaction = self.begin(scope).await?;
            let value = TransactionFn::call(work, &transaction).await?;
            transaction.end(How::Commit).await?;
            Ok(value)
        }
    }

    /// Looks at the role again, now.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        Ok(self.pool.verify().await?)
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.pool.status()
    }
}

/// Both are one pool.
impl From<SqlxCentralPool> for CentralPool {
    fn from(pool: SqlxCentralPool) -> Self {
        Self { pool }
    }
}

/// Both are one pool.
impl From<CentralPool> for SqlxCentralPool {
    fn from(pool: CentralPool) -> Self {
        pool.pool
    }
}

impl fmt::Debug for CentralPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentralPool")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
