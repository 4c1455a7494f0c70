//! The tenants' connections.

use std::fmt;
use std::sync::Arc;

use tenancy_core::{TenantId, TenantScope};
use tenancy_pool::{Manager as _, Pool, PoolStatus, Want};
use tenancy_postgres::seal::Binding;
use tenancy_postgres::verify::Finding;
use tokio::time::{Instant, timeout_at};

use crate::link::Stage;
use crate::manager::LinkManager;
use crate::purpose::Purpose;
use crate::route::{Route, Target};
use crate::{Begin, Begins, Checkout, Driver, DriverError, Error, Isolation, StillOpen};

/// The connections of one service's tenants, each bound to one of them when it is handed out. What
/// an adapter's pool is made of. Cheap to clone; all clones are one pool.
pub struct Tenants<D: Driver> {
    pool: Pool<LinkManager<D>>,
}

impl<D: Driver> Clone for Tenants<D> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
        }
    }
}

impl<D: Driver> Tenants<D> {
    pub(crate) fn new(pool: Pool<LinkManager<D>>) -> Self {
        Self { pool }
    }

    /// The driver.
    pub fn driver(&self) -> &D {
        &self.manager().driver
    }

    /// A connection on which the scope is open until it is dropped. No round trip where one waits on
    /// the tenant's shelf, or where the driver can queue what opens the scope; one otherwise.
    ///
    /// In a read-only scope it is in a transaction from its start to its end, which the server lets
    /// only read, as with [`begun`](Self::begun).
    ///
    /// # Errors
    /// [`Error::NeedsTransaction`] through a transaction pooler; [`Error`]. In each nothing was run.
    pub async fn bound(&self, scope: &TenantScope) -> Result<Checkout<D>, Error> {
        scope.ensure_usable()?;
        let manager = self.manager();
        if manager.purpose.is_pooled() {
            return Err(Error::NeedsTransaction);
        }
        if scope.is_read_only() {
            // SQL can take back what makes a session read-only, and a transaction not.
            let begun = self.begun(scope, Isolation::default()).await;
            return begun.map(|(checkout, _)| checkout);
        }
        let route = self.route(scope)?;
        let deadline = self.deadline();
        loop {
            let mut checkout = self.checkout(&route, false, deadline).await?;
            // It may have ended while this waited for its turn.
            scope.ensure_usable()?;
            if matches!(checkout.stage, Stage::Bound) {
                if manager.is_bound_to(&checkout, &route.tenant) {
                    checkout.opened();
                    return Ok(checkout);
                }
                // It waited for too long: the scope is proven anew.
                let is_clean = async { Ok(manager.clean(&mut checkout).await) };
                if !within(deadline, is_clean).await? {
                    continue;
                }
            }
            let opening = manager.opening(&mut checkout, &route, Binding::Session)?;
            if manager.driver.queue_opening(&mut checkout, &opening) {
                checkout.opened();
                return Ok(checkout);
            }
            let opened = within(deadline, manager.open(&mut checkout, &opening)).await;
            match opened {
                Ok(()) => return Ok(checkout),
                Err(error) => self.another(&route.target, checkout, error)?,
            }
        }
    }

    /// A connection in a transaction in which the scope is open. No round trip where the driver can
    /// queue what begins it; one otherwise. In a read-only scope the server lets it only read, and
    /// SQL can't change that.
    ///
    /// # Errors
    /// As [`bound`](Self::bound).
    pub async fn begun(
        &self,
        scope: &TenantScope,
        isolation: Isolation,
    ) -> Result<(Checkout<D>, StillOpen), Error> {
        scope.ensure_usable()?;
        let manager = self.manager();
        let route = self.route(scope)?;
        let deadline = self.deadline();
        loop {
            let beginning = self.beginning(scope, &route, isolation, deadline);
            let Some((mut checkout, begin)) = beginning.await? else {
                continue;
            };
            if manager.driver.queue_begin(&mut checkout, &begin) {
                checkout.opened();
                return Ok((checkout, begin.into_still_open()));
            }
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
                Err(error) => self.another(&route.target, checkout, error)?,
            }
        }
    }

    /// As [`begun`](Self::begun), for a driver whose transactions own their connection.
    ///
    /// # Errors
    /// As [`bound`](Self::bound).
    pub async fn begun_by<B: Begins<D>>(
        &self,
        scope: &TenantScope,
        isolation: Isolation,
        begins: &B,
    ) -> Result<(B::Transaction, StillOpen), Error> {
        scope.ensure_usable()?;
        let route = self.route(scope)?;
        let deadline = self.deadline();
        loop {
            let beginning = self.beginning(scope, &route, isolation, deadline);
            let Some((checkout, begin)) = beginning.await? else {
                continue;
            };
            let reused = checkout.is_reused();
            let sent = within(deadline, async {
                let answer = begins.begin(checkout, begin.sql()).await;
                answer.map_err(|error| Error::opening(DriverError::new(self.driver(), error)))
            });
            match sent.await {
                Ok(transaction) => return Ok((transaction, begin.into_still_open())),
                Err(error) => self.after(&route.target, reused, error)?,
            }
        }
    }

    /// Looks for holes, now: the whole verification, with the findings that were accepted too.
    ///
    /// # Errors
    /// [`Error::NeedsTenant`] where every connection is one tenant's, and
    /// [`verify_for`](Self::verify_for) is the one to ask; else as [`bound`](Self::bound), where the
    /// database can't be asked.
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        let manager = self.manager();
        if manager.separation.credentials().is_some() {
            return Err(Error::NeedsTenant);
        }
        let deadline = self.deadline();
        let mut checkout = self.base(deadline).await?;
        checkout.stage = Stage::Open;
        within(deadline, manager.trust.findings(manager, &mut checkout)).await
    }

    /// As [`verify`](Self::verify), on a connection of this tenant's: its login, its schema or its
    /// database, and what it shares with others.
    ///
    /// # Errors
    /// As [`bound`](Self::bound), where the database can't be asked.
    pub async fn verify_for(&self, scope: &TenantScope) -> Result<Vec<Finding>, Error> {
        scope.ensure_usable()?;
        let (manager, deadline) = (self.manager(), self.deadline());
        let route = self.route(scope)?;
        let mut checkout = self.checkout(&route, true, deadline).await?;
        checkout.route = Some(route);
        checkout.stage = Stage::Open;
        let findings = manager
            .trust
            .findings_for(manager, scope.tenant(), &mut checkout);
        within(deadline, findings).await
    }

    /// Empties this tenant's shelf, and closes the connections of its own login: its right has ended,
    /// or its credential was changed. Those in use are not put back.
    pub fn evict(&self, tenant: &TenantId) {
        self.pool.evict(tenant);
    }

    /// Empties every tenant's shelf: as [`evict`](Self::evict), for all.
    pub fn evict_all(&self) {
        self.pool.evict_all();
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether both are handles on one pool.
    pub fn is_same(&self, other: &Self) -> bool {
        self.pool.is_same(&other.pool)
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.pool.status()
    }

    /// A connection whose clean state was seen: that the pool can connect, and may serve. Nothing
    /// where every connection is one tenant's, since there is nobody to connect as.
    pub(crate) async fn prove_ready(&self, deadline: Instant) -> Result<(), Error> {
        if self.manager().separation.credentials().is_none() {
            drop(self.base(deadline).await?);
        }
        Ok(())
    }

    /// A connection of the login that all share.
    async fn base(&self, deadline: Instant) -> Result<Checkout<D>, Error> {
        let want = Want {
            tenant: None,
            target: &Target::base(),
            clean_will_do: true,
        };
        Ok(self.pool.checkout(want, deadline).await?)
    }

    /// `None`: the connection was not fit for it, and another one may be.
    async fn beginning(
        &self,
        scope: &TenantScope,
        route: &Arc<Route>,
        isolation: Isolation,
        deadline: Instant,
    ) -> Result<Option<(Checkout<D>, Begin)>, Error> {
        let manager = self.manager();
        let mut checkout = self.checkout(route, true, deadline).await?;
        scope.ensure_usable()?;
        if let Purpose::Pooled { key, kind, login } = &manager.purpose {
            let begun = manager.begin_pooled(&mut checkout, isolation, login);
            return match within(deadline, begun).await {
                Ok(challenge) => {
                    let proof =
                        key.prove(&route.tenant, *kind, Binding::Transaction, &challenge)?;
                    let within = Begin::within(proof).reading(scope.is_read_only());
                    Ok(Some((checkout, within)))
                }
                Err(error) => self.another(&route.target, checkout, error).map(|()| None),
            };
        }
        // The scope of the shelf would outlive a raw COMMIT, so it is left first.
        let is_clean = async { Ok(manager.clean(&mut checkout).await) };
        if !within(deadline, is_clean).await? {
            return Ok(None);
        }
        let opening = manager.opening(&mut checkout, route, Binding::Transaction)?;
        let begin = Begin::new(isolation, opening)?.reading(scope.is_read_only());
        Ok(Some((checkout, begin)))
    }

    async fn checkout(
        &self,
        route: &Arc<Route>,
        clean_will_do: bool,
        deadline: Instant,
    ) -> Result<Checkout<D>, Error> {
        let want = Want {
            tenant: Some(&route.tenant),
            target: &route.target,
            clean_will_do,
        };
        Ok(self.pool.checkout(want, deadline).await?)
    }

    /// Gives the checkout up, and says whether to try another one.
    fn another(&self, target: &Target, checkout: Checkout<D>, error: Error) -> Result<(), Error> {
        let reused = checkout.is_reused();
        drop(checkout);
        self.after(target, reused, error)
    }

    /// A connection that was lost while it was at rest is no reason to fail: nothing ran on it.
    fn after(&self, target: &Target, reused: bool, error: Error) -> Result<(), Error> {
        if matches!(error, Error::Lost(_)) {
            self.pool.suspect(target);
            if reused {
                return Ok(());
            }
        }
        Err(error)
    }

    fn route(&self, scope: &TenantScope) -> Result<Arc<Route>, Error> {
        let separation = &self.manager().separation;
        Ok(Arc::new(Route::of(scope.shared_tenant(), separation)?))
    }

    fn manager(&self) -> &LinkManager<D> {
        self.pool.manager()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.manager().settings.acquire_timeout
    }
}

/// An answer in time, or none. Dropped with what it was waiting on.
pub(crate) async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout_at(deadline, work)
        .await
        .map_err(|_| Error::ServerTimedOut)?
}

impl<D: Driver> fmt::Debug for Tenants<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
