//! The pool.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tenancy_core::TenantId;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::arena::{TargetId, TenantNo};
use crate::counts::Count;
use crate::inner::Inner;
use crate::queue::{Outcome, Waiter};
use crate::seat::Seat;
use crate::{Checkout, Error, Limits, Manager, PoolStatus};

/// How often those who wait look for themselves whether something could be begun for them, in case
/// the runtime that was to tell them is gone.
const PATROL: Duration = Duration::from_secs(1);

/// Connections to many places, for many tenants, under one budget. Cheap to clone; all clones are
/// one pool.
pub struct Pool<M: Manager> {
    inner: Arc<Inner<M>>,
}

/// Whom a checkout is for, where it leads, and how it will be used.
pub struct Want<'a, T> {
    /// The tenant, or `None` for central work.
    pub tenant: Option<&'a TenantId>,
    /// Where it leads.
    pub target: &'a T,
    /// Whether a clean connection serves as well as one on the tenant's shelf, so that the shelf is
    /// left to those who need it: a transaction opens its scope in the message that begins it.
    pub clean_will_do: bool,
}

impl<M: Manager> Pool<M> {
    /// A pool without a connection. Its metrics carry the name `tenancy`.
    pub fn new(manager: M, limits: Limits) -> Self {
        Self::named(manager, limits, "tenancy")
    }

    /// As [`new`](Self::new), with another name for the label `pool` of its metrics.
    pub fn named(manager: M, limits: Limits, name: &'static str) -> Self {
        Self {
            inner: Arc::new(Inner::new(manager, limits, name)),
        }
    }

    /// What makes its connections.
    pub fn manager(&self) -> &M {
        &self.inner.manager
    }

    /// A connection that is clean, or bound to this very tenant ([`Checkout::is_bound`]).
    ///
    /// In this order: one at rest on the tenant's shelf, one that rests clean, a new one where the
    /// budget has room, and where it has none the one that was at rest for the longest: cleaned where
    /// it leads to the same target, closed to make room where it doesn't. Otherwise it waits. Nobody
    /// gets past the tenant's cap, nor before others who wait for the same; dropped, it gives its turn
    /// to the next.
    ///
    /// Needs a tokio runtime with its timer enabled.
    ///
    /// # Errors
    /// [`Error`]; in each nothing was run.
    pub async fn checkout(
        &self,
        want: Want<'_, M::Target>,
        deadline: Instant,
    ) -> Result<Checkout<M>, Error<M::Error>> {
        let mut counting = Counting {
            inner: &self.inner,
            outcome: Count::Cancelled,
        };
        let outcome = self.served(&want, deadline).await;
        counting.outcome = match &outcome {
            Ok(_) => Count::CheckedOut,
            Err(Error::TimedOut) => Count::TimedOut,
            Err(Error::TenantTimedOut) => Count::TenantTimedOut,
            Err(Error::Closed | Error::NoRuntime) => Count::Refused,
            Err(Error::ConnectTimedOut | Error::Connect(_)) => Count::Failed,
        };
        outcome
    }

    /// Empties this tenant's shelf: its right has ended, or its credential was changed. Idle ones are
    /// cleaned, or closed where nobody else uses their target; those in use when they come back.
    pub fn evict(&self, tenant: &TenantId) {
        let mut state = self.inner.lock();
        if let Some(no) = state.tenant_no(tenant) {
            state.evict(no);
            self.inner.settle(state);
        }
    }

    /// Empties every tenant's shelf: as [`evict`](Self::evict), for all.
    pub fn evict_all(&self) {
        let mut state = self.inner.lock();
        for no in state.tenant_nos() {
            state.evict(no);
        }
        self.inner.settle(state);
    }

    /// A connection to this target was lost: those at rest are asked before they are used again.
    pub fn suspect(&self, target: &M::Target) {
        let mut state = self.inner.lock();
        if let Some(id) = state.target_id(target) {
            state.suspect(id);
            self.inner.settle(state);
        }
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection. May be
    /// called again, also where the first call was dropped.
    pub async fn close(&self) {
        {
            let mut state = self.inner.lock();
            state.closed = true;
            state.refuse_all();
            while let Some(id) = state.idle.values().next().copied() {
                let connection = state.unrest(id);
                state.close_seat(id, connection, None, None);
            }
            self.inner.settle(state);
        }
        loop {
            let drained = self.inner.drained.notified();
            if self.status().size == 0 {
                break;
            }
            drained.await;
        }
        self.inner.counts.report(self.status());
    }

    /// Whether both are handles on one pool.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.inner.lock().status()
    }

    async fn served(
        &self,
        want: &Want<'_, M::Target>,
        deadline: Instant,
    ) -> Result<Checkout<M>, Error<M::Error>> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        match self.asked(want, &runtime)? {
            Asked::Served(checkout) => Ok(checkout),
            Asked::Queued(waiting, receiver) => waiting.wait(receiver, deadline, runtime).await,
        }
    }

    fn asked(
        &self,
        want: &Want<'_, M::Target>,
        runtime: &Handle,
    ) -> Result<Asked<'_, M>, Error<M::Error>> {
        let inner = &self.inner;
        loop {
            let mut state = inner.lock();
            if state.closed {
                return Err(Error::Closed);
            }
            state.works_on(runtime);
            state.maintenance.start(inner, runtime);
            let (no, target) = state.enter(want.tenant, want.target);
            if let Some((id, connection)) = state.take_idle(no, target, want.clean_will_do) {
                let (bound, reused) = (state.slots[id].bound, state.slots[id].reused);
                state.tidy();
                drop(state);
                let seat = Seat::new(inner, id, connection);
                if inner.is_alive(&seat.connection) {
                    let checkout = Checkout::new(seat, bound, reused, runtime.clone());
                    return Ok(Asked::Served(checkout));
                }
                Inner::retire(seat, Count::ClosedLost);
                continue;
            }
            let (sender, receiver) = oneshot::channel();
            let waiter = Waiter {
                sender,
                clean_will_do: want.clean_will_do,
                runtime: runtime.clone(),
            };
            let waiting = Waiting {
                inner,
                no,
                target,
                number: state.enqueue(no, target, waiter),
                since: Instant::now(),
            };
            inner.settle(state);
            return Ok(Asked::Queued(waiting, receiver));
        }
    }
}

enum Asked<'a, M: Manager> {
    Served(Checkout<M>),
    Queued(Waiting<'a, M>, oneshot::Receiver<Outcome<M>>),
}

impl<M: Manager> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<M: Manager> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.inner.counts.pool)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Want<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Want")
            .field("central", &self.tenant.is_none())
            .field("clean_will_do", &self.clean_will_do)
            .finish_non_exhaustive()
    }
}

/// Counts a checkout when it has ended, however it does.
struct Counting<'a, M: Manager> {
    inner: &'a Inner<M>,
    outcome: Count,
}

impl<M: Manager> Drop for Counting<'_, M> {
    fn drop(&mut self) {
        self.inner.counts.add(self.outcome);
    }
}

/// A place in a queue, which is given up when it is dropped.
struct Waiting<'a, M: Manager> {
    inner: &'a Arc<Inner<M>>,
    no: TenantNo,
    target: TargetId,
    number: u64,
    since: Instant,
}

impl<M: Manager> Waiting<'_, M> {
    async fn wait(
        self,
        mut receiver: oneshot::Receiver<Outcome<M>>,
        deadline: Instant,
        runtime: Handle,
    ) -> Result<Checkout<M>, Error<M::Error>> {
        let outcome = loop {
            let patrol = deadline.min(Instant::now() + PATROL);
            tokio::select! {
                biased;
                outcome = &mut receiver => break outcome.ok(),
                () = sleep_until(patrol) => {}
            }
            let mut state = self.inner.lock();
            if Instant::now() < deadline {
                self.inner.settle(state);
                continue;
            }
            let reason = state.withdraw(self.no, self.target, self.number);
            self.inner.settle(state);
            // What came in the last moment is taken.
            break match (receiver.try_recv(), reason) {
                (Ok(outcome), _) => Some(outcome),
                (Err(_), reason) => reason.map(Err),
            };
        };
        self.inner.counts.waited(self.since.elapsed());
        let checkout = outcome
            .unwrap_or(Err(Error::TimedOut))?
            .into_checkout(runtime);
        checkout.ok_or(Error::TimedOut)
    }
}

impl<M: Manager> Drop for Waiting<'_, M> {
    fn drop(&mut self) {
        let mut state = self.inner.lock();
        if state.withdraw(self.no, self.target, self.number).is_some() {
            self.inner.settle(state);
        }
    }
}
