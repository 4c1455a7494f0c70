//! What is done once in a while. Nothing depends on it for being correct: only for being tidy.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::counts::Count;
use crate::inner::Inner;
use crate::state::State;
use crate::work::Work;
use crate::{Limits, Manager};

const LONGEST_BREAK: Duration = Duration::from_secs(1);
const SHORTEST_BREAK: Duration = Duration::from_millis(10);

/// The maintenance task of a pool, which ends with it.
#[derive(Default)]
pub(crate) struct Maintenance(Option<AbortHandle>);

impl Maintenance {
    /// Starts it, where it doesn't run already, or where its runtime is gone.
    pub(crate) fn start<M: Manager>(&mut self, inner: &Arc<Inner<M>>, runtime: &Handle) {
        if self.0.as_ref().is_none_or(AbortHandle::is_finished) {
            let task = runtime.spawn(maintain(Arc::downgrade(inner)));
            self.0 = Some(task.abort_handle());
        }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

async fn maintain<M: Manager>(pool: Weak<Inner<M>>) {
    let mut next = Instant::now() + SHORTEST_BREAK;
    loop {
        sleep_until(next).await;
        let Some(inner) = pool.upgrade() else {
            return;
        };
        let mut state = inner.lock();
        next = state.sweep(Instant::now(), &inner.limits);
        let status = state.status();
        inner.settle(state);
        inner.counts.report(status);
    }
}

impl<M: Manager> State<M> {
    /// Cleans what stood on a shelf for too long, closes what was at rest for too long, and says when
    /// to look again.
    fn sweep(&mut self, now: Instant, limits: &Limits) -> Instant {
        let soon = now + SHORTEST_BREAK;
        let mut next = now + LONGEST_BREAK;
        while let Some(id) = self.idle.values().next().copied() {
            let due = self.slots[id].rested + limits.idle;
            if due > now {
                next = next.min(due);
                break;
            }
            self.close_idle(id, Count::ClosedIdle, None);
        }
        while let Some(id) = self.shelved.values().next().copied() {
            let due = self.slots[id].rested + limits.shelf;
            if due > now {
                next = next.min(due);
                break;
            }
            let connection = self.unrest(id);
            self.works.push_back(Work::Renew {
                id,
                connection,
                runtime: None,
            });
        }
        next.max(soon)
    }
}
