//! What one tenant has in the cache, and how much of it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Key = Arc<[u8]>;

/// One tenant's entries from one clearing to the next. Its number is given once: what is still
/// being put into a drawer that was cleared lies where nobody looks.
pub(super) struct Drawer {
    number: u64,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    closed: bool,
    weight: u64,
    stamps: HashMap<Key, u64>,
    /// Oldest first.
    entries: BTreeMap<u64, (Key, u32)>,
}

impl Drawer {
    pub(super) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self {
            number,
            ledger: Mutex::default(),
        })
    }

    /// Notes down an entry, in place of the one that the key had. `false` where the drawer was
    /// cleared meanwhile, or the entry alone is more than the share.
    pub(super) fn takes(&self, key: &Key, stamp: u64, weight: u32, share: u64) -> bool {
        let mut ledger = self.lock();
        if ledger.closed || u64::from(weight) > share {
            return false;
        }
        ledger.drop_key(key);
        ledger.weight += u64::from(weight);
        ledger.stamps.insert(Arc::clone(key), stamp);
        ledger.entries.insert(stamp, (Arc::clone(key), weight));
        true
    }

    /// The oldest entry, where there is more than the share. It is still counted.
    pub(super) fn over(&self, share: u64) -> Option<(Key, u64)> {
        let ledger = self.lock();
        let (stamp, (key, _)) = ledger.entries.first_key_value()?;
        (ledger.weight > share).then(|| (Arc::clone(key), *stamp))
    }

    /// The entry with this stamp has left the cache, or is about to.
    pub(super) fn gone(&self, stamp: u64) {
        let mut ledger = self.lock();
        let key = ledger.entries.get(&stamp).map(|(key, _)| Arc::clone(key));
        if let Some(key) = key {
            ledger.drop_key(&key);
        }
    }

    /// Takes no more entries, and says which ones it had.
    pub(super) fn close(&self) -> Vec<Key> {
        let mut ledger = self.lock();
        let had = std::mem::take(&mut *ledger);
        ledger.closed = true;
        had.entries.into_values().map(|(key, _)| key).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // Nothing panics while it holds the lock.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn drop_key(&mut self, key: &Key) {
        let stamp = self.stamps.remove(key);
        if let Some((_, weight)) = stamp.and_then(|stamp| self.entries.remove(&stamp)) {
            self.weight -= u64::from(weight);
        }
    }
}

/// Where an entry lies: a drawer and a key in it, two things that can't run into one another.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) drawer: Arc<Drawer>,
    pub(super) key: Key,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.drawer.number == other.drawer.number && self.key == other.key
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.drawer.number.hash(state);
        self.key.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Arc::from(text.as_bytes())
    }

    #[test]
    fn weights_follow_what_comes_and_goes() {
        let drawer = Drawer::new(0);
        assert!(drawer.takes(&key("a"), 1, 3, 10));
        assert!(drawer.takes(&key("b"), 2, 3, 10));
        assert!(drawer.takes(&key("a"), 3, 5, 10), "in place of the first");
        assert_eq!(drawer.lock().weight, 8);
        drawer.gone(1);
        assert_eq!(drawer.lock().weight, 8, "it was replaced long ago");
        assert!(drawer.takes(&key("c"), 4, 9, 10));
        assert_eq!(drawer.over(10), Some((key("b"), 2)), "the oldest");
        drawer.gone(2);
        assert_eq!(drawer.over(10), Some((key("a"), 3)));
        drawer.gone(3);
        assert_eq!(drawer.over(10), None);
        assert!(!drawer.takes(&key("d"), 5, 11, 10), "more than all of it");
        assert_eq!(drawer.lock().weight, 9);
        assert_eq!(drawer.close(), [key("c")]);
        assert!(!drawer.takes(&key("e"), 6, 1, 10), "it was cleared");
        assert!(drawer.lock().stamps.is_empty() && drawer.lock().weight == 0);
    }
}
