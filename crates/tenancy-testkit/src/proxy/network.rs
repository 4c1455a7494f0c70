//! How bad the network is at the moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::link::Link;

#[derive(Debug, Default)]
pub(super) struct Network {
    delay_nanos: AtomicU64,
    stalled: Mutex<bool>,
    changed: Condvar,
}

impl Network {
    pub(super) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_nanos.load(Ordering::SeqCst))
    }

    pub(super) fn set_delay(&self, each_way: Duration) {
        let nanos = u64::try_from(each_way.as_nanos()).unwrap_or(u64::MAX);
        self.delay_nanos.store(nanos, Ordering::SeqCst);
    }

    pub(super) fn set_stalled(&self, stalled: bool) {
        *self.lock() = stalled;
        self.changed.notify_all();
    }

    /// Lets the threads of a link see that it has been cut.
    pub(super) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    pub(super) fn wait_while_stalled(&self, link: &Link) {
        drop(
            self.changed
                .wait_while(self.lock(), |stalled| *stalled && !link.is_cut())
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
