//! The pool above the wall, for work across tenants that is asked for by name.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use tenancy_core::CentralScope;
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::verify::Finding;

use super::builder::CentralPoolBuilder;
use super::capacity::PoolStatus;
use super::connection::CentralConnection;
use super::slot::Stage;
use super::transaction::{CentralTransaction, Isolation, StillOpen};
use super::verbs::{Guarded, answers, begin, try_another, within};
use crate::{Error, TxFn};

/// Connections of the central role, which sees every tenant's rows. A pool and a login of its own:
/// there is no setting that turns a tenant's connection into one of these.
///
/// Cheap to clone; all clones are one pool.
#[derive(Clone)]
pub struct CentralPool {
    guarded: Arc<Guarded>,
}

impl CentralPool {
    /// Connects as the central role, and looks at what that role is.
    ///
    /// # Errors
    /// [`Error::Unsafe`] where it is a superuser, may create roles, or is not above the wall;
    /// [`Error::Url`], [`Error::Connect`] or [`Error::ServerTimedOut`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// A pool with settings of its own.
    pub fn builder(url: &str) -> CentralPoolBuilder {
        CentralPoolBuilder::new(url)
    }

    pub(super) fn assemble(guarded: Guarded) -> Self {
        Self {
            guarded: Arc::new(guarded),
        }
    }

    /// A connection above the wall. One round trip, to see that it is alive.
    ///
    /// # Errors
    /// [`Error::Scope`] where the scope has ended or another one is open here;
    /// [`Error::PoolTimedOut`], [`Error::Connect`] or [`Error::ServerTimedOut`].
    pub async fn acquire<'s>(
        &self,
        scope: &'s CentralScope,
    ) -> Result<CentralConnection<'s>, Error> {
        scope.ensure_usable()?;
        let deadline = self.guarded.capacity.deadline();
        loop {
            let mut checkout = self.guarded.ready(deadline).await?;
            scope.ensure_usable()?;
            let reused = checkout.reused;
            checkout.state()?.replace(Stage::Opening);
            match within(deadline, answers(&mut checkout)).await {
                Ok(()) => {
                    checkout.opened();
                    return Ok(CentralConnection::new(checkout));
                }
                Err(error) if try_another(reused, &error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A transaction above the wall.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and [`Error::Lost`].
    pub async fn begin<'s>(
        &self,
        scope: &'s CentralScope,
    ) -> Result<CentralTransaction<'s>, Error> {
        self.begin_isolated(scope, Isolation::default()).await
    }

    /// As [`begin`](Self::begin), at an isolation level. It can't be set later.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub async fn begin_isolated<'s>(
        &self,
        scope: &'s CentralScope,
        isolation: Isolation,
    ) -> Result<CentralTransaction<'s>, Error> {
        scope.ensure_usable()?;
        let deadline = self.guarded.capacity.deadline();
        loop {
            let checkout = self.guarded.ready(deadline).await?;
            scope.ensure_usable()?;
            let reused = checkout.reused;
            checkout.state()?.replace(Stage::Opening);
            let nonce = Nonce::random()?;
            let sql = format!("{}; {}", isolation.begin_sql(), StillOpen::mark_sql(&nonce));
            match begin(checkout, deadline, sql).await {
                Ok((transaction, way_back)) => {
                    let still_open = StillOpen::Mark(nonce);
                    return Ok(CentralTransaction::new(transaction, still_open, way_back));
                }
                Err(error) if try_another(reused, &error) => {}
                Err(error) => return Err(error),
            }
        }
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
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>
            + for<'c> TxFn<'c, PgConnection, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        async move {
            let mut transaction = self.begin(scope).await?;
            let value = TxFn::call(work, &mut **transaction).await?;
            transaction.commit().await?;
            Ok(value)
        }
    }

    /// Looks at the role again, now.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        self.guarded.verify().await
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub async fn close(&self) {
        self.guarded.capacity.close().await;
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.guarded.capacity.status()
    }
}

impl fmt::Debug for CentralPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentralPool")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
