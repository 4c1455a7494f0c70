//! Who may have a connection: the permits, the slots at rest, and the way back.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::scrub::Ends;
use super::slot::{Slot, SlotState, Stage};
use crate::Error;

/// The limits of a pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connections: u32,
    pub(super) acquire: Duration,
    pub(super) scrub: Duration,
}

/// A pool's connections, whatever they are for.
pub(super) struct Capacity {
    options: PgConnectOptions,
    limits: Limits,
    pub(super) ends: Ends,
    permits: Arc<Semaphore>,
    resting: Mutex<Vec<Slot>>,
    closed: AtomicBool,
}

/// How many connections a pool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// The most that it may have.
    pub max: u32,
    /// Those it has, or is making.
    pub size: u32,
    /// Those at rest: bound to nothing.
    pub idle: u32,
    /// Those that are checked out, being made, or being cleaned.
    pub in_use: u32,
}

impl Capacity {
    pub(super) fn new(options: PgConnectOptions, limits: Limits, ends: Ends) -> Self {
        Self {
            options,
            limits,
            ends,
            permits: Arc::new(Semaphore::new(limits.connections as usize)),
            resting: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// When a checkout that begins now must be done.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.acquire
    }

    /// A connection on which nothing is known to have been said, or that is clean.
    pub(super) async fn checkout(self: &Arc<Self>, deadline: Instant) -> Result<Checkout, Error> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let lease = self.lease(deadline).await?;
        let slot = lease.slot.as_ref().ok_or(Error::PoolClosed)?;
        let connection = match timeout_at(deadline, slot.pool.acquire()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(sqlx::Error::PoolTimedOut)) | Err(_) => return Err(Error::ServerTimedOut),
            Ok(Err(error)) => return Err(Error::Connect(error.into())),
        };
        let reused = slot.state.is_clean();
        let patience = self.limits.scrub * 2 + Duration::from_secs(1);
        let way_back = WayBack {
            lease: Some(lease),
            runtime,
            patience,
        };
        Ok(Checkout {
            connection: Some(connection),
            way_back,
            reused,
        })
    }

    async fn lease(self: &Arc<Self>, deadline: Instant) -> Result<Lease, Error> {
        // Before the queue, in which close() may stand already, and after it.
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::PoolClosed);
        }
        let permit = timeout_at(deadline, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| Error::PoolTimedOut)?
            .map_err(|_| Error::PoolClosed)?;
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::PoolClosed);
        }
        let slot = self.resting().pop().unwrap_or_else(|| {
            let Limits { acquire, scrub, .. } = self.limits;
            Slot::new(self.options.clone(), acquire, scrub, self.ends)
        });
        Ok(Lease {
            slot: Some(slot),
            capacity: Arc::clone(self),
            _permit: permit,
        })
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> PoolStatus {
        let max = self.limits.connections;
        let idle = u32::try_from(self.resting().len()).unwrap_or(u32::MAX);
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(u32::MAX);
        let in_use = max.saturating_sub(free);
        PoolStatus {
            max,
            size: idle + in_use,
            idle,
            in_use,
        }
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // Those that wait are before us in the queue, and find it closed.
        let all = self.permits.acquire_many(self.limits.connections).await;
        let resting = std::mem::take(&mut *self.resting());
        for slot in &resting {
            // A server that doesn't answer is no reason to wait longer; the sockets close anyway.
            let _late = tokio::time::timeout(self.limits.scrub, slot.pool.close()).await;
        }
        self.permits.close();
        drop(all);
    }
}

/// The right to one connection, and its place. Dropped: the place is at rest if its connection is
/// clean, and given up otherwise; either way another may have a connection.
pub(super) struct Lease {
    /// `None` only while it is dropped.
    slot: Option<Slot>,
    capacity: Arc<Capacity>,
    // After the slot, so that whoever is next finds it.
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    fn state(&self) -> Option<&SlotState> {
        self.slot.as_ref().map(|slot| &*slot.state)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        if slot.state.is_clean() && !self.capacity.closed.load(Ordering::Acquire) {
            self.capacity.resting().push(slot);
        } else {
            slot.retire();
        }
    }
}

/// Gives the lease back when the connection has come back, or has not for far too long.
pub(super) struct WayBack {
    lease: Option<Lease>,
    pub(super) runtime: Handle,
    patience: Duration,
}

impl WayBack {
    fn state(&self) -> Option<&SlotState> {
        self.lease.as_ref().and_then(Lease::state)
    }

    /// The scope is open: from here on a scrub may make the connection clean again.
    pub(super) fn opened(&self) {
        if let Some(state) = self.state() {
            state.replace(Stage::Open);
        }
    }

    fn take(&mut self) -> Self {
        Self {
            lease: self.lease.take(),
            runtime: self.runtime.clone(),
            patience: self.patience,
        }
    }
}

impl Drop for WayBack {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        let patience = self.patience;
        self.runtime.spawn(async move {
            if let Some(state) = lease.state() {
                let _late = tokio::time::timeout(patience, state.settled.notified()).await;
            }
            drop(lease);
        });
    }
}

/// A connection that is checked out. Dropped: it goes SQLx's way back, through the slot's hook;
/// while a scope is being opened on it, its socket is closed instead.
pub(super) struct Checkout {
    connection: Option<PoolConnection<Postgres>>,
    way_back: WayBack,
    /// Whether it was at rest, and so may have been lost without a word.
    pub(super) reused: bool,
}

impl Checkout {
    pub(super) fn state(&self) -> Result<&SlotState, Error> {
        self.way_back.state().ok_or(Error::OutOfStep)
    }

    pub(super) fn opened(&self) {
        self.way_back.opened();
    }

    /// For SQLx's own transaction. What comes back through it settles the way back.
    pub(super) fn into_parts(mut self) -> Result<(PoolConnection<Postgres>, WayBack), Error> {
        let connection = self.connection.take().ok_or(Error::OutOfStep)?;
        Ok((connection, self.way_back.take()))
    }
}

impl Deref for Checkout {
    type Target = PgConnection;

    #[allow(clippy::expect_used)] // taken by `into_parts` and `drop` only, which end it
    fn deref(&self) -> &PgConnection {
        self.connection
            .as_ref()
            .expect("a checkout holds its connection until it ends")
    }
}

impl DerefMut for Checkout {
    #[allow(clippy::expect_used)] // as above
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection
            .as_mut()
            .expect("a checkout holds its connection until it ends")
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if self.way_back.state().is_some_and(SlotState::may_come_back) {
            // SQLx spawns its way back, also when this is dropped outside a runtime.
            let _entered = self.way_back.runtime.enter();
            drop(connection);
        } else {
            drop(connection.detach());
            drop(self.way_back.lease.take());
        }
    }
}
