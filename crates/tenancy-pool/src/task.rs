//! What is awaited: always in a task of the pool's own, so that a caller may be dropped anywhere.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::Manager;
use crate::arena::SlotId;
use crate::counts::Count;
use crate::inner::Inner;
use crate::seat::{Permit, Seat};
use crate::target::Failure;

/// How long a place stays taken after its connection was closed: a server's process lives on for some
/// milliseconds after its client has gone, and counts against the server's limit until then.
const CLOSE_GRACE: Duration = Duration::from_millis(20);

/// Makes a connection, for whoever has the next turn at its target.
pub(crate) async fn connect<M: Manager>(permit: Permit<M>, target: M::Target) {
    let inner = Arc::clone(permit.inner());
    let attempt = async { inner.manager.connect(&target).await };
    let failure = match bounded(inner.limits.connect, attempt).await {
        Ok(Ok(connection)) => {
            inner.counts.add(Count::Connected);
            let seat = Seat { connection, permit };
            return Inner::made(seat);
        }
        Ok(Err(error)) => {
            inner.counts.add(Count::ConnectFailed);
            tracing::debug!(%error, "no connection could be made");
            Failure::Refused(Arc::new(error))
        }
        Err(Unanswered::Late) => {
            inner.counts.add(Count::ConnectTimedOut);
            tracing::debug!("a connection was being made for too long");
            Failure::TimedOut
        }
        Err(Unanswered::Panicked) => {
            inner.counts.add(Count::ConnectPanicked);
            Failure::Panicked
        }
    };
    let again = inner.not_made(permit.id(), &failure);
    sleep(CLOSE_GRACE).await;
    drop(permit);
    let pool = Arc::downgrade(&inner);
    drop(inner);
    sleep_until(again).await;
    if let Some(inner) = pool.upgrade() {
        inner.settle(inner.lock());
    }
}

/// What becomes of a connection that comes back from its use.
pub(crate) async fn release<M: Manager>(mut seat: Seat<M>, spoiled: bool) {
    let inner = Arc::clone(seat.permit.inner());
    let (closed, over) = inner.is_over(seat.permit.id());
    if spoiled {
        return close_for(seat, Count::ClosedSpoiled).await;
    }
    if closed {
        return close(seat).await;
    }
    if over {
        return close_for(seat, Count::ClosedLifetime).await;
    }
    match keep(&inner, &mut seat).await {
        Some(true) => return Inner::kept(seat),
        Some(false) => return close_for(seat, Count::ClosedUnclean).await,
        None => {}
    }
    if !clean(&inner, &mut seat).await {
        return close_for(seat, Count::ClosedUnclean).await;
    }
    let Some((mut seat, tenant)) = Inner::returned(seat) else {
        return;
    };
    let binding = async { inner.manager.bind(&mut seat.connection, &tenant).await };
    match bounded(inner.limits.clean, binding).await {
        Ok(Some(true)) => Inner::put_back_bound(seat),
        Ok(None) => Inner::put_back(seat),
        Ok(Some(false)) | Err(_) => close_for(seat, Count::ClosedUnclean).await,
    }
}

/// Cleans what was bound on a shelf.
pub(crate) async fn renew<M: Manager>(mut seat: Seat<M>) {
    let inner = Arc::clone(seat.permit.inner());
    if inner.is_alive(&seat.connection) && clean(&inner, &mut seat).await {
        Inner::put_back_clean(seat);
    } else {
        close_for(seat, Count::ClosedUnclean).await;
    }
}

/// Asks a connection that is suspect whether it is still there.
pub(crate) async fn ping<M: Manager>(mut seat: Seat<M>) {
    let inner = Arc::clone(seat.permit.inner());
    let there = inner.is_alive(&seat.connection);
    let answered = there && {
        let asking = async { inner.manager.ping(&mut seat.connection).await };
        bounded(inner.limits.clean, asking).await == Ok(true)
    };
    if answered {
        inner.lock().proven(seat.permit.id());
        Inner::put_back(seat);
    } else {
        inner.close_suspects(seat.permit.id());
        close_for(seat, Count::ClosedSuspect).await;
    }
}

async fn close_for<M: Manager>(seat: Seat<M>, why: Count) {
    let inner = Arc::clone(seat.permit.inner());
    inner.counts.add(why);
    inner.closing(seat.permit.id());
    close(seat).await;
}

/// Closes a connection. Its place is free once that has ended.
pub(crate) async fn close<M: Manager>(seat: Seat<M>) {
    let Seat { connection, permit } = seat;
    let inner = Arc::clone(permit.inner());
    inner.closing(permit.id());
    let closing = async { inner.manager.close(connection).await };
    let _ = bounded(inner.limits.clean, closing).await;
    sleep(CLOSE_GRACE).await;
    drop(permit);
}

async fn clean<M: Manager>(inner: &Inner<M>, seat: &mut Seat<M>) -> bool {
    let cleaning = async { inner.manager.clean(&mut seat.connection).await };
    let cleaned =
        bounded(inner.limits.clean, cleaning).await == Ok(true) && inner.is_alive(&seat.connection);
    inner.counts.add(if cleaned {
        Count::Cleaned
    } else {
        Count::CleanFailed
    });
    cleaned
}

/// Cleans it, and leaves its tenant's scope open. `None` where it is to be clean of that as well.
async fn keep<M: Manager>(inner: &Inner<M>, seat: &mut Seat<M>) -> Option<bool> {
    let tenant = inner.shelf_of(seat.permit.id())?;
    let keeping = async { inner.manager.keep(&mut seat.connection, &tenant).await };
    let kept = match bounded(inner.limits.clean, keeping).await {
        Ok(None) => return None,
        Ok(Some(kept)) => kept && inner.is_alive(&seat.connection),
        Err(_) => false,
    };
    inner.counts.add(if kept {
        Count::Kept
    } else {
        Count::CleanFailed
    });
    Some(kept)
}

#[derive(Debug, PartialEq, Eq)]
enum Unanswered {
    Late,
    Panicked,
}

/// Awaits for at most so long. A panic ends what panics, and no more than that.
async fn bounded<F: Future>(limit: Duration, future: F) -> Result<F::Output, Unanswered> {
    let mut future = pin!(future);
    let caught = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(Err(Unanswered::Panicked)),
        }
    });
    timeout(limit, caught)
        .await
        .unwrap_or(Err(Unanswered::Late))
}

impl<M: Manager> Inner<M> {
    fn is_over(&self, id: SlotId) -> (bool, bool) {
        let state = self.lock();
        let over = state.slots[id].born.elapsed() >= self.limits.lifetime;
        (state.closed, over)
    }

    fn made(seat: Seat<M>) {
        let (inner, id, connection) = seat.into_parts();
        let mut state = inner.lock();
        state.attempt_made(id);
        state.arrive_clean(id, connection);
        inner.settle(state);
    }

    fn not_made(self: &Arc<Self>, id: SlotId, failure: &Failure<M>) -> Instant {
        let mut state = self.lock();
        let again = state.attempt_failed(id, failure, Instant::now());
        self.settle(state);
        again
    }

    fn shelf_of(&self, id: SlotId) -> Option<tenancy_core::TenantId> {
        self.lock().shelf_of(id, !self.limits.shelf.is_zero())
    }

    fn kept(seat: Seat<M>) {
        seat.permit.inner().lock().came_back(seat.permit.id());
        Self::put_back_bound(seat);
    }

    fn returned(seat: Seat<M>) -> Option<(Seat<M>, tenancy_core::TenantId)> {
        let (inner, id, connection) = seat.into_parts();
        let mut state = inner.lock();
        let to_bind = state.returned(id, connection, !inner.limits.shelf.is_zero());
        let seat = to_bind.map(|(connection, tenant)| (Seat::new(&inner, id, connection), tenant));
        inner.settle(state);
        seat
    }

    fn put_back_bound(seat: Seat<M>) {
        seat.permit.inner().lock().slots[seat.permit.id()].bound = true;
        Self::put_back(seat);
    }

    fn put_back_clean(seat: Seat<M>) {
        {
            let mut state = seat.permit.inner().lock();
            state.slots[seat.permit.id()].bound = false;
            state.proven(seat.permit.id());
        }
        Self::put_back(seat);
    }

    fn close_suspects(self: &Arc<Self>, id: SlotId) {
        let mut state = self.lock();
        let target = state.slots[id].target;
        state.close_suspects(target);
        self.settle(state);
    }

    fn closing(self: &Arc<Self>, id: SlotId) {
        let mut state = self.lock();
        state.closing(id);
        self.settle(state);
    }
}
