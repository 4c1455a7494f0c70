//! Single flight: look-ups for one key at one moment become one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

type Load<V> = BoxFuture<'static, V>;
/// With the number that tells a flight from a later one for the same key.
type ByKey<K, V> = HashMap<K, (u64, WeakShared<Load<V>>)>;

/// What is being loaded now, by key.
///
/// Every waiter drives the load, so one that is cancelled or no longer polled holds up nobody.
/// When the last waiter is gone, so is the load.
pub(super) struct Flights<K: Eq + Hash, V> {
    open: Arc<Open<K, V>>,
    next: AtomicU64,
}

struct Open<K, V>(Mutex<ByKey<K, V>>);

impl<K: Eq + Hash, V> Open<K, V> {
    fn lock(&self) -> MutexGuard<'_, ByKey<K, V>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self {
            open: Arc::new(Open(Mutex::default())),
            next: AtomicU64::new(0),
        }
    }

    /// The load for `key` that is under way, or else a new one.
    pub(super) fn join(
        &self,
        key: K,
        load: impl Future<Output = V> + Send + 'static,
    ) -> Shared<Load<V>> {
        let mut open = self.open.lock();
        if let Some(flight) = open.get(&key).and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let landing = Landing {
            open: Arc::clone(&self.open),
            key: key.clone(),
            number,
        };
        let load = async move {
            let _landing = landing;
            load.await
        };
        let flight = load.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            open.insert(key, (number, weak));
        }
        flight
    }
}

/// Forgets a flight that has ended, or that nobody waits for any more.
struct Landing<K: Eq + Hash, V> {
    open: Arc<Open<K, V>>,
    key: K,
    number: u64,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        // A later flight for the same key stays.
        if open
            .get(&self.key)
            .is_some_and(|(number, _)| *number == self.number)
        {
            open.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        let flights = Flights::<u8, u8>::new();
        let open = || flights.open.lock().len();

        assert_eq!(flights.join(1, async { 7 }).now_or_never(), Some(7));
        assert_eq!(open(), 0, "landed");

        let first = flights.join(1, std::future::pending());
        let second = flights.join(1, async { 7 });
        assert_eq!(second.now_or_never(), None, "joined the first");
        assert_eq!(open(), 1);
        drop(first);
        assert_eq!(open(), 0, "nobody waits any more, polled or not");

        let panicking = flights.join(1, async { panic!("in the load") });
        let caught = std::panic::AssertUnwindSafe(panicking)
            .catch_unwind()
            .now_or_never();
        assert!(caught.is_some_and(|result| result.is_err()));
        assert_eq!(open(), 0, "panicked");
        assert_eq!(flights.join(1, async { 8 }).now_or_never(), Some(8));
    }

    #[test]
    fn a_flight_that_ends_late_leaves_its_successor() {
        let flights = Flights::<u8, u8>::new();
        let first = flights.join(1, std::future::pending());
        // As if the first had been forgotten: its place is taken by another.
        flights.open.lock().clear();
        let second = flights.join(1, std::future::pending());
        drop(first);
        assert_eq!(flights.open.lock().len(), 1);
        drop(second);
        assert_eq!(flights.open.lock().len(), 0);
    }
}
