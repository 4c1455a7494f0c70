use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::store::{Store, Weigh};
use super::{CentralCache, TenantCache};

/// How much is kept, for how long, and how much of it is one tenant's.
///
/// ```
/// use std::time::Duration;
/// use tenancy_cache::moka::TenantCache;
///
/// let pictures: TenantCache<Vec<u8>> = TenantCache::builder()
///     .capacity(64 << 20)
///     .share(4 << 20)
///     .weigh(|key, picture: &Vec<u8>| u32::try_from(key.len() + picture.len()).unwrap_or(u32::MAX))
///     .time_to_live(Duration::from_mins(10))
///     .build();
/// ```
#[must_use = "nothing is built before `.build()`"]
pub struct CacheBuilder<V> {
    pub(super) capacity: u64,
    pub(super) time_to_live: Duration,
    pub(super) weigh: Arc<Weigh<V>>,
    share: Option<u64>,
}

impl<V> Default for CacheBuilder<V> {
    /// 10,000 entries, a quarter of them one tenant's at most, for 5 minutes.
    fn default() -> Self {
        Self {
            capacity: 10_000,
            time_to_live: Duration::from_mins(5),
            weigh: Arc::new(|_, _| 1),
            share: None,
        }
    }
}

impl<V: Clone + Send + Sync + 'static> CacheBuilder<V> {
    /// The weight of all tenants' entries together. Without [`weigh`](Self::weigh), their number.
    pub fn capacity(mut self, weight: u64) -> Self {
        self.capacity = weight;
        self
    }

    /// The most weight that one tenant's entries may have; a quarter of the capacity, if nothing is
    /// said. Whoever puts in more loses the oldest entries of its own, and nobody else's. An entry
    /// that is heavier alone is not kept.
    pub fn share(mut self, weight: u64) -> Self {
        self.share = Some(weight);
        self
    }

    /// How long an entry is kept after it was put in.
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// How much an entry weighs, such as its bytes: of its key, and of its value. Zero counts as one.
    pub fn weigh(mut self, weigh: impl Fn(&[u8], &V) -> u32 + Send + Sync + 'static) -> Self {
        self.weigh = Arc::new(weigh);
        self
    }

    /// The cache of tenants' values.
    pub fn build(self) -> TenantCache<V> {
        let share = self.share.unwrap_or_else(|| (self.capacity / 4).max(1));
        TenantCache::over(Store::new(self, share))
    }

    /// The cache of central values, all of which is one share.
    pub fn build_central(self) -> CentralCache<V> {
        let share = self.capacity;
        CentralCache::over(Store::new(self, share))
    }
}

impl<V> fmt::Debug for CacheBuilder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("capacity", &self.capacity)
            .field("share", &self.share)
            .field("time_to_live", &self.time_to_live)
            .finish_non_exhaustive()
    }
}
