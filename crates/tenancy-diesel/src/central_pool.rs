//! The pool above the wall, for work across tenants that is asked for by name.

use std::fmt;
use std::future::Future;

use diesel_async::AsyncPgConnection;
use tenancy_core::{CentralScope, TxFn};
use tenancy_postgres::verify::Finding;
use tenancy_postgres_pool::{Central, CentralPoolBuilder, Isolation, PoolStatus};

use crate::{CentralConnection, CentralTransaction, Diesel, Error, Tls};

/// Connections of the central role, which sees every tenant's rows. A pool and a login of its own:
/// there is no setting that turns a tenant's connection into one of these.
///
/// Cheap to clone; all clones are one pool.
#[derive(Clone)]
pub struct CentralPool {
    central: Central<Diesel>,
}

impl CentralPool {
    /// Connects as the central role, without TLS, and looks at what that role is.
    ///
    /// # Errors
    /// [`PoolError::Unsafe`](crate::PoolError::Unsafe) where it is a superuser, may create roles, or
    /// is not above the wall; [`PoolError`](crate::PoolError) has where it did not come so far.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// A pool with settings of its own, without TLS.
    pub fn builder(url: &str) -> CentralPoolBuilder<Diesel> {
        Self::builder_with_tls(url, Tls::none())
    }

    /// A pool with settings of its own.
    pub fn builder_with_tls(url: &str, tls: Tls) -> CentralPoolBuilder<Diesel> {
        CentralPoolBuilder::new(Diesel::new(tls), url)
    }

    pub(crate) fn over(central: Central<Diesel>) -> Self {
        Self { central }
    }

    /// A connection above the wall. One round trip, to see that it is alive.
    ///
    /// # Errors
    /// [`PoolError`](crate::PoolError); in each nothing was run.
    pub async fn acquire<'s>(
        &self,
        scope: &'s CentralScope,
    ) -> Result<CentralConnection<'s>, Error> {
        Ok(CentralConnection::new(self.central.acquired(scope).await?))
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
        let begun = self.central.begun(scope, isolation).await?;
        Ok(CentralTransaction::new(begun))
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
        F: AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, E>
            + for<'c> TxFn<'c, AsyncPgConnection, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        async move {
            let mut transaction = self.begin(scope).await?;
            let value = TxFn::call(work, &mut *transaction).await?;
            transaction.commit().await?;
            Ok(value)
        }
    }

    /// Looks at the role again, now.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        Ok(self.central.verify().await?)
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub async fn close(&self) {
        self.central.close().await;
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.central.status()
    }
}

impl fmt::Debug for CentralPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentralPool")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
