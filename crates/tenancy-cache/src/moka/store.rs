//! The entries of all shelves, in one bounded cache.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::moka::future::Cache;

use super::CacheBuilder;
use super::shelf::{Place, Shelf};

/// How much an entry counts for.
pub(super) type Weigh<V> = dyn Fn(&[u8], &V) -> u32 + Send + Sync;

/// How many entries of cleared shelves one call takes out.
const SWEEP: usize = 64;

/// A value as it lies in the cache.
#[derive(Clone)]
struct Held<V> {
    value: V,
    weight: u32,
    stamp: u64,
}

pub(super) struct Store<V> {
    cache: Cache<Place, Held<V>>,
    weigh: Arc<Weigh<V>>,
    share: u64,
    next: AtomicU64,
    /// What cleared shelves had. Nobody can reach it; it only takes up room.
    leaving: Mutex<Vec<Place>>,
}

/// What became of a load of one's own.
enum Loaded<V, E> {
    /// It is not kept, so that it is not in the cache's answer.
    Unkept(V),
    Failed(E),
}

impl<V: Clone + Send + Sync + 'static> Store<V> {
    pub(super) fn new(options: CacheBuilder<V>, share: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(options.capacity)
            .time_to_live(options.time_to_live)
            .weigher(|_, held: &Held<V>| held.weight)
            .eviction_listener(|place: Arc<Place>, held: Held<V>, _| place.shelf.gone(held.stamp))
            .build();
        Self {
            cache,
            weigh: options.weigh,
            share,
            next: AtomicU64::new(0),
            leaving: Mutex::default(),
        }
    }

    pub(super) fn shelf(&self) -> Arc<Shelf> {
        Shelf::new(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) async fn get(&self, shelf: Arc<Shelf>, key: &[u8]) -> Option<V> {
        let held = self.cache.get(&place(shelf, key)).await?;
        Some(held.value)
    }

    pub(super) async fn insert(&self, shelf: Arc<Shelf>, key: &[u8], value: V) {
        let place = place(shelf, key);
        match self.hold(&place, value) {
            Ok(held) => self.cache.insert(place.clone(), held).await,
            // What was there before is no longer so.
            Err(_) => self.cache.invalidate(&place).await,
        }
        self.tidy(&place.shelf).await;
    }

    pub(super) async fn get_with<E>(
        &self,
        shelf: Arc<Shelf>,
        key: &[u8],
        load: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let place = place(shelf, key);
        let mut load = pin!(load);
        let mut own = None;
        let flight = async {
            match load.as_mut().await {
                Ok(value) => match self.hold(&place, value) {
                    Ok(held) => return Some(held),
                    Err(value) => own = Some(Loaded::Unkept(value)),
                },
                Err(error) => own = Some(Loaded::Failed(error)),
            }
            None
        };
        let landed = self
            .cache
            .optionally_get_with(place.clone(), flight)
            .await
            .map(|held| held.value);
        match (landed, own) {
            (Some(value), _) => {
                self.tidy(&place.shelf).await;
                Ok(value)
            }
            (None, Some(Loaded::Unkept(value))) => Ok(value),
            (None, Some(Loaded::Failed(error))) => Err(error),
            // Somebody else's load came to nothing, and what it said was for them.
            (None, None) => {
                let value = load.await?;
                let Place { shelf, key } = place;
                self.insert(shelf, &key, value.clone()).await;
                Ok(value)
            }
        }
    }

    pub(super) async fn remove(&self, shelf: Arc<Shelf>, key: &[u8]) {
        self.cache.invalidate(&place(shelf, key)).await;
    }

    /// From here on nothing of this shelf is found. Its room is given back bit by bit.
    pub(super) fn clear(&self, shelf: &Arc<Shelf>) {
        let places = shelf.close().into_iter().map(|key| Place {
            shelf: Arc::clone(shelf),
            key,
        });
        self.leaving().extend(places);
    }

    /// The weight of all entries, for tests and status pages.
    pub(super) async fn weight(&self) -> u64 {
        self.cache.run_pending_tasks().await;
        self.cache.weighted_size()
    }

    /// The value with its weight, noted down; or the value back, where it can't be kept.
    fn hold(&self, place: &Place, value: V) -> Result<Held<V>, V> {
        let weight = (self.weigh)(&place.key, &value).max(1);
        let stamp = self.next.fetch_add(1, Ordering::Relaxed);
        if place.shelf.takes(&place.key, stamp, weight, self.share) {
            Ok(Held {
                value,
                weight,
                stamp,
            })
        } else {
            Err(value)
        }
    }

    /// Takes out what is more than the shelf's share, and some of what was cleared. Whoever is
    /// dropped here leaves the rest to the next one.
    async fn tidy(&self, shelf: &Arc<Shelf>) {
        while let Some((key, stamp)) = shelf.over(self.share) {
            let shelf = Arc::clone(shelf);
            let place = Place { shelf, key };
            self.cache.invalidate(&place).await;
            place.shelf.gone(stamp);
        }
        let some = {
            let mut leaving = self.leaving();
            let kept = leaving.len().saturating_sub(SWEEP);
            leaving.split_off(kept)
        };
        for place in some {
            self.cache.invalidate(&place).await;
        }
    }

    fn leaving(&self) -> std::sync::MutexGuard<'_, Vec<Place>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(shelf: Arc<Shelf>, key: &[u8]) -> Place {
    Place {
        shelf,
        key: Arc::from(key),
    }
}
