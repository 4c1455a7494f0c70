//! The entries of all drawers, in one bounded cache.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::moka::future::Cache;

use super::CacheBuilder;
use super::drawer::{Drawer, Place};

/// How much an entry counts for.
pub(super) type Weigh<V> = dyn Fn(&[u8], &V) -> u32 + Send + Sync;

/// How many entries of cleared drawers one call takes out.
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
    /// What cleared drawers had. Nobody can reach it; it only takes up room.
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
            .eviction_listener(|place: Arc<Place>, held: Held<V>, _| place.drawer.gone(held.stamp))
            .build();
        Self {
            cache,
            weigh: options.weigh,
            share,
            next: AtomicU64::new(0),
            leaving: Mutex::default(),
        }
    }

    pub(super) fn drawer(&self) -> Arc<Drawer> {
        Drawer::new(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) async fn get(&self, drawer: Arc<Drawer>, key: &[u8]) -> Option<V> {
        let held = self.cache.get(&place(drawer, key)).await?;
        Some(held.value)
    }

    pub(super) async fn insert(&self, drawer: Arc<Drawer>, key: &[u8], value: V) {
        let place = place(drawer, key);
        match self.hold(&place, value) {
            Ok(held) => self.cache.insert(place.clone(), held).await,
            // What was there before is no longer so.
            Err(_) => self.cache.invalidate(&place).await,
        }
        self.tidy(&place.drawer).await;
    }

    pub(super) async fn get_with<E>(
        &self,
        drawer: Arc<Drawer>,
        key: &[u8],
        load: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let place = place(drawer, key);
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
                self.tidy(&place.drawer).await;
                Ok(value)
            }
            (None, Some(Loaded::Unkept(value))) => Ok(value),
            (None, Some(Loaded::Failed(error))) => Err(error),
            // Somebody else's load came to nothing, and what it said was for them.
            (None, None) => {
                let value = load.await?;
                let Place { drawer, key } = place;
                self.insert(drawer, &key, value.clone()).await;
                Ok(value)
            }
        }
    }

    pub(super) async fn remove(&self, drawer: Arc<Drawer>, key: &[u8]) {
        self.cache.invalidate(&place(drawer, key)).await;
    }

    /// From here on nothing of this drawer is found. Its room is given back bit by bit.
    pub(super) fn clear(&self, drawer: &Arc<Drawer>) {
        let places = drawer.close().into_iter().map(|key| Place {
            drawer: Arc::clone(drawer),
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
        if place.drawer.takes(&place.key, stamp, weight, self.share) {
            Ok(Held {
                value,
                weight,
                stamp,
            })
        } else {
            Err(value)
        }
    }

    /// Takes out what is more than the drawer's share, and some of what was cleared. Whoever is
    /// dropped here leaves the rest to the next one.
    async fn tidy(&self, drawer: &Arc<Drawer>) {
        while let Some((key, stamp)) = drawer.over(self.share) {
            let drawer = Arc::clone(drawer);
            let place = Place { drawer, key };
            self.cache.invalidate(&place).await;
            place.drawer.gone(stamp);
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

fn place(drawer: Arc<Drawer>, key: &[u8]) -> Place {
    Place {
        drawer,
        key: Arc::from(key),
    }
}
