//! What all clones of a pool share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::arena::SlotId;
use crate::counts::{Count, Counts};
use crate::seat::Seat;
use crate::state::{Phase, State};
use crate::target::Failure;
use crate::{Limits, Manager};

pub(crate) struct Inner<M: Manager> {
    pub(crate) manager: M,
    pub(crate) limits: Limits,
    pub(crate) counts: Counts,
    pub(crate) drained: Notify,
    state: Mutex<State<M>>,
}

impl<M: Manager> Inner<M> {
    pub(crate) fn new(manager: M, limits: Limits, name: &'static str) -> Self {
        Self {
            manager,
            limits,
            counts: Counts::new(name),
            drained: Notify::new(),
            state: Mutex::new(State::new(&limits)),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins what can be begun after a change, and does what was written down. What is written down
    /// meanwhile, by this thread or another, is done by whoever came first: a task that is dropped as
    /// soon as it is spawned would lead back here, deeper each time.
    pub(crate) fn settle<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<M>>) {
        if !state.closed {
            state.dispatch(Instant::now());
        }
        state.tidy();
        if state.closed && state.slots.len() == 0 {
            self.drained.notify_waiters();
        }
        if state.acting {
            return;
        }
        state.acting = true;
        let acting = Acting(self);
        while let Some(work) = state.works.pop_front() {
            drop(state);
            self.perform(work);
            state = self.lock();
        }
        state.acting = false;
        drop(state);
        std::mem::forget(acting);
    }

    /// A place in the budget is free again.
    pub(crate) fn free(self: &Arc<Self>, id: SlotId) {
        let mut state = self.lock();
        if state.slots[id].phase == Phase::Connecting {
            // Its task ended without a word: it panicked, or its runtime did.
            self.counts.add(Count::ConnectPanicked);
            state.attempt_failed(id, &Failure::Panicked, Instant::now());
        }
        state.drop_slot(id);
        self.settle(state);
    }

    /// A connection that can be handed out as it is.
    pub(crate) fn put_back(seat: Seat<M>) {
        let (inner, id, connection) = seat.into_parts();
        let mut state = inner.lock();
        if state.slots[id].bound {
            state.arrive_bound(id, connection);
        } else {
            state.arrive_clean(id, connection);
        }
        inner.settle(state);
    }

    /// A connection that is not used again.
    pub(crate) fn retire(seat: Seat<M>, why: Count) {
        let (inner, id, connection) = seat.into_parts();
        let mut state = inner.lock();
        state.close_seat(id, connection, Some(why), None);
        inner.settle(state);
    }
}

/// Lets another one act where this one panics.
struct Acting<'a, M: Manager>(&'a Inner<M>);

impl<M: Manager> Drop for Acting<'_, M> {
    fn drop(&mut self) {
        self.0.lock().acting = false;
    }
}
