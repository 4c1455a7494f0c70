//! A bounded cache of what is opened for each tenant.
//!
//! Each tenant's value is opened once, whoever asks at the same time; is never closed while
//! somebody holds a lease on it; and gives its room up, the least recently used first, when another
//! tenant waits for room.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenancy_core::TenantId;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant, timeout_at};

/// What a cache holds.
pub(super) trait Close: Send + Sync + 'static {
    /// Ends it; nobody holds a lease on it any more.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Why there is no lease.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoLease<E> {
    /// The cache was closed.
    Closed,
    /// This tenant's value is being removed.
    Barred,
    /// Every place is leased to another tenant, and none came free before the deadline.
    Full,
    /// There was room, and the value was not open before the deadline.
    Slow,
    /// It could not be opened.
    Open(E),
}

pub(super) struct Cache<V: Close>(Arc<Inner<V>>);

struct Inner<V: Close> {
    /// One permit for each value that is open, opening or closing.
    room: Arc<Semaphore>,
    state: Mutex<Shelf<V>>,
    /// Told of every value that is gone.
    gone: Notify,
}

struct Shelf<V> {
    entries: HashMap<TenantId, Listed<V>>,
    /// Tenants that wait for room.
    waiting: usize,
    /// Values that give their room up soon.
    closing: usize,
    barred: HashSet<TenantId>,
    closed: bool,
}

struct Listed<V> {
    entry: Arc<Entry<V>>,
    leases: usize,
    last_used: Instant,
}

struct Entry<V> {
    id: TenantId,
    opened: OnceCell<Opened<V>>,
}

struct Opened<V> {
    value: V,
    _room: OwnedSemaphorePermit,
}

/// How full a cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) open: usize,
    pub(super) leased: usize,
    pub(super) waiting: usize,
    pub(super) room: usize,
}

impl<V: Close> Cache<V> {
    pub(super) fn new(room: usize) -> Self {
        Self(Arc::new(Inner {
            room: Arc::new(Semaphore::new(room)),
            state: Mutex::new(Shelf {
                entries: HashMap::new(),
                waiting: 0,
                closing: 0,
                barred: HashSet::new(),
                closed: false,
            }),
            gone: Notify::new(),
        }))
    }

    /// A lease on the value of `id`, opened with `open` where nobody has it open. Of those who ask
    /// at once, one opens; if that one fails or is dropped, the next one does.
    pub(super) async fn lease<E>(
        &self,
        id: &TenantId,
        deadline: Instant,
        open: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<Lease<V>, NoLease<E>> {
        let lease = self.take(id)?;
        let had_room = std::sync::atomic::AtomicBool::new(false);
        let opening = lease.entry.opened.get_or_try_init(async || {
            let room = self.room().await.ok_or(NoLease::Closed)?;
            had_room.store(true, std::sync::atomic::Ordering::Relaxed);
            let value = open().await.map_err(NoLease::Open)?;
            Ok(Opened { value, _room: room })
        });
        match timeout_at(deadline, opening).await {
            Ok(Ok(_)) => Ok(lease),
            Ok(Err(error)) => Err(error),
            Err(_) if had_room.into_inner() => Err(NoLease::Slow),
            Err(_) => Err(NoLease::Full),
        }
    }

    fn take<E>(&self, id: &TenantId) -> Result<Lease<V>, NoLease<E>> {
        let mut state = self.0.state();
        if state.closed {
            return Err(NoLease::Closed);
        }
        if state.barred.contains(id) {
            return Err(NoLease::Barred);
        }
        let listed = state.entries.entry(id.clone()).or_insert_with(|| Listed {
            entry: Arc::new(Entry {
                id: id.clone(),
                opened: OnceCell::new(),
            }),
            leases: 0,
            last_used: Instant::now(),
        });
        listed.leases += 1;
        Ok(Lease {
            cache: Arc::clone(&self.0),
            entry: Arc::clone(&listed.entry),
        })
    }

    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(room) = Arc::clone(&self.0.room).try_acquire_owned() {
            return Some(room);
        }
        let _waiting = Waiting::new(&self.0);
        Arc::clone(&self.0.room).acquire_owned().await.ok()
    }

    /// Takes the value of `id` off the shelf and lets nobody lease it until the guard is dropped;
    /// `None` while somebody holds a lease on it, or bars it already.
    pub(super) async fn bar(&self, id: &TenantId) -> Option<Barred<V>> {
        let (barred, entry) = {
            let mut state = self.0.state();
            let leased = state
                .entries
                .get(id)
                .is_some_and(|listed| listed.leases > 0);
            if leased || !state.barred.insert(id.clone()) {
                return None;
            }
            let entry = state.entries.remove(id).map(|listed| listed.entry);
            (
                Barred {
                    cache: Arc::clone(&self.0),
                    id: id.clone(),
                },
                entry,
            )
        };
        if let Some(opened) = entry.as_ref().and_then(|entry| entry.opened.get()) {
            opened.value.close().await;
        }
        Some(barred)
    }

    /// Closes what nobody has leased for longer than `idle`.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        let stale = {
            let mut state = self.0.state();
            let ids: Vec<_> = state
                .entries
                .iter()
                .filter(|(_, listed)| {
                    listed.leases == 0 && now.saturating_duration_since(listed.last_used) >= idle
                })
                .map(|(id, _)| id.clone())
                .collect();
            ids.iter()
                .filter_map(|id| state.evict(id))
                .collect::<Vec<_>>()
        };
        for entry in stale {
            self.0.close_later(entry);
        }
    }

    /// Hands nothing out any more, and waits until everything is given back and closed.
    pub(super) async fn close(&self) {
        let unused = {
            let mut state = self.0.state();
            state.closed = true;
            let ids: Vec<_> = state
                .entries
                .iter()
                .filter(|(_, listed)| listed.leases == 0)
                .map(|(id, _)| id.clone())
                .collect();
            ids.iter()
                .filter_map(|id| state.evict(id))
                .collect::<Vec<_>>()
        };
        self.0.room.close();
        for entry in unused {
            self.0.close_later(entry);
        }
        loop {
            let gone = self.0.gone.notified();
            tokio::pin!(gone);
            // From here on no notice is missed.
            gone.as_mut().enable();
            if self.0.state().is_settled() {
                return;
            }
            gone.await;
        }
    }

    pub(super) fn fill(&self) -> Fill {
        let state = self.0.state();
        Fill {
            open: state
                .entries
                .values()
                .filter(|listed| listed.entry.opened.initialized())
                .count(),
            leased: state
                .entries
                .values()
                .filter(|listed| listed.leases > 0)
                .count(),
            waiting: state.waiting,
            room: self.0.room.available_permits(),
        }
    }

    pub(super) fn downgrade(&self) -> impl Fn() -> Option<Self> + Send + Sync + 'static {
        let weak = Arc::downgrade(&self.0);
        move || weak.upgrade().map(Self)
    }
}

impl<V: Close> Inner<V> {
    fn state(&self) -> MutexGuard<'_, Shelf<V>> {
        // Nothing that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes an evicted value off the caller's path. Its room is given up when it is closed.
    fn close_later(self: &Arc<Self>, entry: Arc<Entry<V>>) {
        let closing = Closing(Arc::clone(self));
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if let Some(opened) = entry.opened.get() {
                opened.value.close().await;
            }
            drop(entry);
            drop(closing);
        });
    }
}

impl<V> Shelf<V> {
    /// Ends one lease; answers with what is to be closed now.
    fn give_back(&mut self, id: &TenantId) -> Option<Arc<Entry<V>>> {
        let listed = self.entries.get_mut(id)?;
        listed.leases = listed.leases.saturating_sub(1);
        listed.last_used = Instant::now();
        if listed.leases > 0 {
            return None;
        }
        if !listed.entry.opened.initialized() {
            self.entries.remove(id);
            return None;
        }
        if self.closed {
            self.evict(id)
        } else {
            self.evict_for_those_who_wait()
        }
    }

    /// Takes the entry off the shelf; its room comes free when it is closed.
    fn evict(&mut self, id: &TenantId) -> Option<Arc<Entry<V>>> {
        let entry = self.entries.remove(id)?.entry;
        self.closing += 1;
        Some(entry)
    }

    fn is_settled(&self) -> bool {
        self.entries.is_empty() && self.closing == 0
    }

    /// The least recently used value without a lease, if more tenants wait than rooms come free.
    fn evict_for_those_who_wait(&mut self) -> Option<Arc<Entry<V>>> {
        if self.waiting <= self.closing {
            return None;
        }
        let id = self
            .entries
            .iter()
            .filter(|(_, listed)| listed.leases == 0 && listed.entry.opened.initialized())
            .min_by_key(|(_, listed)| listed.last_used)
            .map(|(id, _)| id.clone())?;
        self.evict(&id)
    }
}

/// The right to use one tenant's value: it stays open while this lives.
pub(super) struct Lease<V: Close> {
    cache: Arc<Inner<V>>,
    entry: Arc<Entry<V>>,
}

impl<V: Close> Lease<V> {
    /// The value. `None` only before [`Cache::lease`] has answered.
    pub(super) fn value(&self) -> Option<&V> {
        self.entry.opened.get().map(|opened| &opened.value)
    }
}

impl<V: Close> Drop for Lease<V> {
    fn drop(&mut self) {
        let evicted = self.cache.state().give_back(&self.entry.id);
        match evicted {
            Some(entry) => self.cache.close_later(entry),
            None => self.cache.gone.notify_waiters(),
        }
    }
}

/// Counts one who waits for room, and sees that room is made.
struct Waiting<'a, V: Close>(&'a Inner<V>);

impl<'a, V: Close> Waiting<'a, V> {
    fn new(cache: &'a Arc<Inner<V>>) -> Self {
        let evicted = {
            let mut state = cache.state();
            state.waiting += 1;
            state.evict_for_those_who_wait()
        };
        let waiting = Self(cache);
        if let Some(entry) = evicted {
            cache.close_later(entry);
        }
        waiting
    }
}

impl<V: Close> Drop for Waiting<'_, V> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

struct Closing<V: Close>(Arc<Inner<V>>);

impl<V: Close> Drop for Closing<V> {
    fn drop(&mut self) {
        self.0.state().closing -= 1;
        self.0.gone.notify_waiters();
    }
}

/// Keeps a tenant's value off the shelf.
pub(super) struct Barred<V: Close> {
    cache: Arc<Inner<V>>,
    id: TenantId,
}

impl<V: Close> Drop for Barred<V> {
    fn drop(&mut self) {
        self.cache.state().barred.remove(&self.id);
    }
}
