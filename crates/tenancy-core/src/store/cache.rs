//! How long, and how much, look-ups are remembered.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;

use crate::TenantId;

/// How long, and how much, look-ups are remembered.
///
/// A tenant's change is seen at once after
/// [`Tenancy::invalidate`](crate::Tenancy::invalidate), which every process must call for itself,
/// and otherwise when its time to live is over. Failed look-ups are never remembered. Unknown ids
/// have a space of their own, so that a flood of them pushes out no tenant.
///
/// A warm cache answers sooner than a store, so the time of an answer can tell that a tenant was
/// asked for lately; it can't tell unknown, suspended and forbidden ones apart while both times to
/// live are equal, as they are by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "give it to `TenancyBuilder::cache`"]
pub struct CacheOptions {
    pub(super) time_to_live: Duration,
    pub(super) capacity: u64,
    pub(super) negative_time_to_live: Duration,
    pub(super) negative_capacity: u64,
}

impl Default for CacheOptions {
    /// 30 seconds for both; 10,000 tenants and 10,000 unknown ids.
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(30),
            capacity: 10_000,
            negative_time_to_live: Duration::from_secs(30),
            negative_capacity: 10_000,
        }
    }
}

impl CacheOptions {
    /// The longest time to live; a longer one is cut to it.
    pub const MAX_TIME_TO_LIVE: Duration = Duration::from_hours(24);

    /// Nothing is remembered: each look-up asks the store.
    pub fn disabled() -> Self {
        Self {
            time_to_live: Duration::ZERO,
            negative_time_to_live: Duration::ZERO,
            ..Self::default()
        }
    }

    /// For how long a tenant is believed to be as it was. Zero: not at all.
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time.min(Self::MAX_TIME_TO_LIVE);
        self
    }

    /// How many tenants are remembered.
    pub fn capacity(mut self, tenants: u64) -> Self {
        self.capacity = tenants;
        self
    }

    /// For how long an unknown id or domain is believed to be unknown. Zero: not at all.
    pub fn negative_time_to_live(mut self, time: Duration) -> Self {
        self.negative_time_to_live = time.min(Self::MAX_TIME_TO_LIVE);
        self
    }

    /// How many unknown ids, and how many unknown domains, are remembered.
    pub fn negative_capacity(mut self, entries: u64) -> Self {
        self.negative_capacity = entries;
        self
    }

    pub(super) fn is_disabled(&self) -> bool {
        self.time_to_live.is_zero() && self.negative_time_to_live.is_zero()
    }

    pub(super) fn positive<K, V>(&self) -> Memory<K, V>
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        Memory::new(self.capacity, self.time_to_live)
    }

    pub(super) fn negative<K>(&self) -> Memory<K, ()>
    where
        K: Hash + Eq + Send + Sync + 'static,
    {
        Memory::new(self.negative_capacity, self.negative_time_to_live)
    }
}

/// A bounded cache, or none where its time to live is zero.
pub(super) struct Memory<K, V>(Option<Cache<K, V>>);

impl<K, V> Memory<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(capacity: u64, time_to_live: Duration) -> Self {
        let cache = || {
            Cache::builder()
                .max_capacity(capacity)
                .time_to_live(time_to_live)
                .build()
        };
        Self((!time_to_live.is_zero()).then(cache))
    }

    pub(super) async fn get(&self, key: &K) -> Option<V> {
        self.0.as_ref()?.get(key).await
    }

    pub(super) async fn insert(&self, key: K, value: V) {
        if let Some(cache) = &self.0 {
            cache.insert(key, value).await;
        }
    }

    pub(super) async fn remove(&self, key: &K) {
        if let Some(cache) = &self.0 {
            cache.invalidate(key).await;
        }
    }

    pub(super) fn clear(&self) {
        if let Some(cache) = &self.0 {
            cache.invalidate_all();
        }
    }
}

/// What was true when a look-up began. It is a part of the cache's keys, so an answer that was
/// read before an invalidation lies, from then on, where nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Generation {
    all: u64,
    shard: u64,
}

/// Counts invalidations. Ids share a bounded number of counters: to invalidate one costs its
/// neighbours a look-up.
pub(super) struct Generations {
    all: AtomicU64,
    any: AtomicU64,
    shards: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Generations {
    const SHARDS: u16 = 1024;

    pub(super) fn new() -> Self {
        Self {
            all: AtomicU64::new(0),
            any: AtomicU64::new(0),
            shards: (0..Self::SHARDS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    fn shard(&self, id: &TenantId) -> &AtomicU64 {
        let hash = self.hasher.hash_one(id);
        // The remainder is below 1024.
        #[allow(clippy::cast_possible_truncation)]
        let index = (hash % u64::from(Self::SHARDS)) as usize;
        &self.shards[index]
    }

    pub(super) fn of(&self, id: &TenantId) -> Generation {
        Generation {
            all: self.all.load(Ordering::SeqCst),
            shard: self.shard(id).load(Ordering::SeqCst),
        }
    }

    /// Changes when everything is invalidated.
    pub(super) fn all(&self) -> u64 {
        self.all.load(Ordering::SeqCst)
    }

    /// Changes when anything is invalidated.
    pub(super) fn any(&self) -> u64 {
        self.any.load(Ordering::SeqCst)
    }

    pub(super) fn bump(&self, id: &TenantId) {
        self.shard(id).fetch_add(1, Ordering::SeqCst);
        self.any.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn bump_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
        self.any.fetch_add(1, Ordering::SeqCst);
    }
}
