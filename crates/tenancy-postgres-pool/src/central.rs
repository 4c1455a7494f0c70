//! The connections above the wall.

use std::fmt;

use tenancy_core::CentralScope;
use tenancy_pool::{Pool, PoolStatus, Want};
use tenancy_postgres::verify::Finding;
use tokio::time::Instant;

use crate::link::Stage;
use crate::manager::LinkManager;
use crate::opening::Opening;
use crate::route::Target;
use crate::tenants::within;
use crate::{Begin, Begins, Checkout, Driver, DriverError, Error, Isolation, StillOpen};

/// The connections of the central role, which sees every tenant's rows. What an adapter's central
/// pool is made of. Cheap to clone; all clones are one pool.
pub struct Central<D: Driver> {
    pool: Pool<LinkManager<D>>,
}

impl<D: Driver> Clone for Central<D> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
        }
    }
}

impl<D: Driver> Central<D> {
    pub(crate) fn new(pool: Pool<LinkManager<D>>) -> Self {
        Self { pool }
    }

    /// The driver.
    pub fn driver(&self) -> &D {
        &self.manager().driver
    }

    /// A connection above the wall. One round trip, to see that it is alive.
    ///
    /// # Errors
    /// [`Error`]; in each nothing was run.
    pub async fn acquired(&self, scope: &CentralScope) -> Result<Checkout<D>, Error> {
        scope.ensure_usable()?;
        let deadline = self.deadline();
        loop {
            let mut checkout = self.checkout(deadline).await?;
            scope.ensure_usable()?;
            checkout.stage = Stage::Opening;
            match within(deadline, self.manager().answers(&mut checkout)).await {
                Ok(()) => {
                    checkout.opened();
                    return Ok(checkout);
                }
                Err(error) => {
                    let reused = checkout.is_reused();
                    drop(checkout);
                    self.after(reused, error)?;
                }
            }
        }
    }

    /// A connection in a transaction above the wall.
    ///
    /// # Errors
    /// As [`acquired`](Self::acquired).
    pub async fn begun(
        &self,
        scope: &CentralScope,
        isolation: Isolation,
    ) -> Result<(Checkout<D>, StillOpen), Error> {
        scope.ensure_usable()?;
        let deadline = self.deadline();
        loop {
            let mut checkout = self.checkout(deadline).await?;
            scope.ensure_usable()?;
            checkout.stage = Stage::Opening;
            let begin = Begin::new(isolation, Opening::Nothing)?;
            let manager = self.manager();
            let sent = within(deadline, async {
                let rows = manager.message(&mut checkout, begin.sql()).await?;
                if !begin.is_answered_by(&rows) {
                    return Err(Error::OutOfStep);
                }
                checkout.opened();
                Ok(())
            });
            match sent.await {
                Ok(()) => return Ok((checkout, begin.into_still_open())),
                Err(error) => {
                    let reused = checkout.is_reused();
                    drop(checkout);
                    self.after(reused, error)?;
                }
            }
        }
    }

    /// As [`begun`](Self::begun), for a driver whose transactions own their connection.
    ///
    /// # Errors
    /// As [`acquired`](Self::acquired).
    pub async fn begun_by<B: Begins<D>>(
        &self,
        scope: &CentralScope,
        isolation: Isolation,
        begins: &B,
    ) -> Result<(B::Transaction, StillOpen), Error> {
        scope.ensure_usable()?;
        let deadline = self.deadline();
        loop {
            let mut checkout = self.checkout(deadline).await?;
            scope.ensure_usable()?;
            checkout.stage = Stage::Opening;
            let reused = checkout.is_reused();
            let begin = Begin::new(isolation, Opening::Nothing)?;
            let sent = within(deadline, async {
                let answer = begins.begin(checkout, begin.sql()).await;
                answer.map_err(|error| Error::opening(DriverError::new(self.driver(), error)))
            });
            match sent.await {
                Ok(transaction) => return Ok((transaction, begin.into_still_open())),
                Err(error) => self.after(reused, error)?,
            }
        }
    }

    /// Looks at the role again, now.
    ///
    /// # Errors
    /// As [`acquired`](Self::acquired).
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        let deadline = self.deadline();
        let mut checkout = self.checkout(deadline).await?;
        checkout.stage = Stage::Open;
        let manager = self.manager();
        within(deadline, manager.trust.findings(manager, &mut checkout)).await
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.pool.status()
    }

    pub(crate) async fn checkout(&self, deadline: Instant) -> Result<Checkout<D>, Error> {
        let want = Want {
            tenant: None,
            target: &Target::base(),
            clean_will_do: true,
        };
        Ok(self.pool.checkout(want, deadline).await?)
    }

    fn after(&self, reused: bool, error: Error) -> Result<(), Error> {
        if matches!(error, Error::Lost(_)) {
            self.pool.suspect(&Target::base());
            if reused {
                return Ok(());
            }
        }
        Err(error)
    }

    fn manager(&self) -> &LinkManager<D> {
        self.pool.manager()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.manager().settings.acquire_timeout
    }
}

impl<D: Driver> fmt::Debug for Central<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Central")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
