//! What an attempt to connect tells about its target.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::arena::{SlotId, TargetId, TenantNo};
use crate::state::{Phase, State};
use crate::target::Failure;
use crate::work::Work;
use crate::{Error, Manager};

/// How long a target is left alone after an attempt has failed. Doubled by each further one.
const PAUSE: Duration = Duration::from_millis(50);

impl<M: Manager> State<M> {
    pub(crate) fn attempt_made(&mut self, id: SlotId) {
        self.set_phase(id, Phase::Busy);
        let target = self.slots[id].target;
        let entry = &mut self.targets[target];
        entry.failures = 0;
        entry.last_failure = None;
        entry.good = true;
        if let Some(until) = entry.paused.take() {
            self.paused.remove(&(until, target));
        }
        self.refresh_target(target);
    }

    /// Leaves the target alone for a while, and says until when. Where no connection to it is left
    /// that could come back, those who wait hear why.
    pub(crate) fn attempt_failed(
        &mut self,
        id: SlotId,
        failure: &Failure<M>,
        now: Instant,
    ) -> Instant {
        self.end_behalf(id);
        self.set_phase(id, Phase::Closing);
        let target = self.slots[id].target;
        let entry = &mut self.targets[target];
        entry.good = false;
        let until = if let Some(until) = entry.paused {
            until
        } else {
            let doubled = PAUSE.saturating_mul(1 << entry.failures.min(10));
            entry.failures += 1;
            now + doubled.min(self.longest_pause)
        };
        entry.paused = Some(until);
        entry.last_failure = Some(failure.clone());
        self.paused.insert((until, target));
        if self.targets[target].open == 0
            && let Some(error) = failure.error()
        {
            let waiting: Vec<TenantNo> = self.targets[target].ring.values().copied().collect();
            for no in waiting {
                self.refuse_lane(no, target, &error);
            }
        }
        self.refresh_target(target);
        until
    }

    /// Sends everyone away.
    pub(crate) fn refuse_all(&mut self) {
        let lanes: Vec<_> = self
            .all_tenants()
            .flat_map(|no| self.tenants[no].lanes.keys().map(move |id| (no, *id)))
            .collect();
        for (no, target) in lanes {
            self.refuse_lane(no, target, &Error::Closed);
        }
    }

    fn refuse_lane(&mut self, no: TenantNo, target: TargetId, error: &Error<M::Error>) {
        while let Some(waiter) = self.next_waiter(no, target) {
            self.works.push_back(Work::Fail {
                sender: waiter.sender,
                error: copy(error),
            });
        }
    }

    /// Why a tenant is still waiting.
    pub(crate) fn reason(&self, no: TenantNo, target: TargetId) -> Error<M::Error> {
        if self.is_at_cap(no) {
            return Error::TenantTimedOut;
        }
        let entry = &self.targets[target];
        match &entry.last_failure {
            Some(failure) => failure.error().unwrap_or(Error::ConnectTimedOut),
            None if entry.open == 0 && entry.connecting > 0 => Error::ConnectTimedOut,
            None => Error::TimedOut,
        }
    }
}

impl<M: Manager> Failure<M> {
    /// `None` for a panic: the next attempt may do better.
    fn error(&self) -> Option<Error<M::Error>> {
        match self {
            Self::Refused(error) => Some(Error::Connect(Arc::clone(error))),
            Self::TimedOut => Some(Error::ConnectTimedOut),
            Self::Panicked => None,
        }
    }
}

fn copy<E: std::error::Error>(error: &Error<E>) -> Error<E> {
    match error {
        Error::TimedOut => Error::TimedOut,
        Error::TenantTimedOut => Error::TenantTimedOut,
        Error::Closed => Error::Closed,
        Error::NoRuntime => Error::NoRuntime,
        Error::ConnectTimedOut => Error::ConnectTimedOut,
        Error::Connect(error) => Error::Connect(Arc::clone(error)),
    }
}
