//! A server that isn't one: it counts what lives, and does what it is told.

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenancy_core::TenantId;
use tenancy_pool::{Checkout, Error, Limits, Manager, Pool, Want};
use tokio::time::{Instant, sleep};

pub(crate) type Target = &'static str;
pub(crate) type FakePool = Pool<Fake>;
pub(crate) type Got = Result<Checkout<Fake>, Error<Refused>>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Fine,
    Fails,
    Hangs,
    Panics,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) budget: u32,
    pub(crate) live: AtomicU32,
    pub(crate) peak: AtomicU32,
    pub(crate) connects: AtomicU32,
    pub(crate) cleans: AtomicU32,
    pub(crate) binds: AtomicU32,
    pub(crate) pings: AtomicU32,
    pub(crate) closes: AtomicU32,
    pub(crate) over_budget: AtomicBool,
    /// Targets where nothing is bound ahead of need.
    pub(crate) no_binds: AtomicBool,
    pub(crate) connect_takes: Mutex<Duration>,
    pub(crate) clean_takes: Mutex<Duration>,
    pub(crate) moods: Mutex<HashMap<Target, Mood>>,
    pub(crate) clean_mood: Mutex<Mood>,
    pub(crate) bind_mood: Mutex<Mood>,
    pub(crate) ping_mood: Mutex<Mood>,
    live_at: Mutex<HashMap<Target, u32>>,
}

impl World {
    pub(crate) fn count(counter: &AtomicU32) -> u32 {
        counter.load(Ordering::SeqCst)
    }

    pub(crate) fn mood(&self, target: Target, mood: Mood) {
        self.moods.lock().unwrap().insert(target, mood);
    }

    pub(crate) fn live_at(&self, target: Target) -> u32 {
        self.live_at
            .lock()
            .unwrap()
            .get(target)
            .copied()
            .unwrap_or(0)
    }
}

/// Lives from the first byte of a connection until its last.
pub(crate) struct Life {
    world: Arc<World>,
    target: Target,
}

impl Life {
    fn begin(world: &Arc<World>, target: Target) -> Self {
        let live = world.live.fetch_add(1, Ordering::SeqCst) + 1;
        world.peak.fetch_max(live, Ordering::SeqCst);
        if live > world.budget {
            world.over_budget.store(true, Ordering::SeqCst);
        }
        *world.live_at.lock().unwrap().entry(target).or_default() += 1;
        Self {
            world: Arc::clone(world),
            target,
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.world.live.fetch_sub(1, Ordering::SeqCst);
        *self
            .world
            .live_at
            .lock()
            .unwrap()
            .get_mut(self.target)
            .unwrap() -= 1;
    }
}

pub(crate) struct Conn {
    pub(crate) id: u32,
    pub(crate) target: Target,
    pub(crate) bound: Option<TenantId>,
    pub(crate) dirty: Option<TenantId>,
    pub(crate) alive: bool,
    /// As if the server had gone, without a word.
    pub(crate) lost: Arc<AtomicBool>,
    _life: Life,
}

#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

pub(crate) struct Fake {
    pub(crate) world: Arc<World>,
}

async fn as_told(mood: Mood) -> bool {
    match mood {
        Mood::Fine => true,
        Mood::Fails => false,
        Mood::Hangs => pending().await,
        Mood::Panics => panic!("told to"),
    }
}

impl Manager for Fake {
    type Target = Target;
    type Connection = Conn;
    type Error = Refused;

    async fn connect(&self, target: &Target) -> Result<Conn, Refused> {
        let life = Life::begin(&self.world, target);
        let id = self.world.connects.fetch_add(1, Ordering::SeqCst);
        let takes = *self.world.connect_takes.lock().unwrap();
        sleep(takes).await;
        let mood = self.world.moods.lock().unwrap().get(target).copied();
        if !as_told(mood.unwrap_or_default()).await {
            return Err(Refused);
        }
        Ok(Conn {
            id,
            target,
            bound: None,
            dirty: None,
            alive: true,
            lost: Arc::default(),
            _life: life,
        })
    }

    async fn clean(&self, conn: &mut Conn) -> bool {
        self.world.cleans.fetch_add(1, Ordering::SeqCst);
        let takes = *self.world.clean_takes.lock().unwrap();
        sleep(takes).await;
        let mood = *self.world.clean_mood.lock().unwrap();
        if !as_told(mood).await || conn.lost.load(Ordering::SeqCst) {
            return false;
        }
        conn.bound = None;
        conn.dirty = None;
        true
    }

    async fn bind(&self, conn: &mut Conn, tenant: &TenantId) -> Option<bool> {
        assert!(conn.bound.is_none() && conn.dirty.is_none(), "bound dirty");
        if self.world.no_binds.load(Ordering::SeqCst) {
            return None;
        }
        self.world.binds.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let mood = *self.world.bind_mood.lock().unwrap();
        if !as_told(mood).await {
            return Some(false);
        }
        conn.bound = Some(tenant.clone());
        Some(true)
    }

    fn is_alive(&self, conn: &Conn) -> bool {
        conn.alive
    }

    async fn ping(&self, conn: &mut Conn) -> bool {
        self.world.pings.fetch_add(1, Ordering::SeqCst);
        let mood = *self.world.ping_mood.lock().unwrap();
        as_told(mood).await && !conn.lost.load(Ordering::SeqCst)
    }

    async fn close(&self, _: Conn) {
        self.world.closes.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn tenant(name: impl AsRef<str>) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn limits(connections: u32) -> Limits {
    let mut limits = Limits::default();
    limits.connections = connections;
    limits.reserve = Some(0);
    limits
}

pub(crate) fn pool(limits: Limits) -> (FakePool, Arc<World>) {
    let world = Arc::new(World {
        budget: limits.connections,
        ..World::default()
    });
    let fake = Fake {
        world: Arc::clone(&world),
    };
    (Pool::new(fake, limits), world)
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A checkout of a connection in use: what it must be is asserted, and it is left dirty.
pub(crate) async fn take(pool: &FakePool, name: &str, target: Target) -> Got {
    take_until(pool, name, target, soon()).await
}

pub(crate) async fn take_until(
    pool: &FakePool,
    name: &str,
    target: Target,
    deadline: Instant,
) -> Got {
    take_how(pool, name, target, false, deadline).await
}

pub(crate) async fn take_how(
    pool: &FakePool,
    name: &str,
    target: Target,
    clean_will_do: bool,
    deadline: Instant,
) -> Got {
    let tenant = tenant(name);
    let want = Want {
        tenant: Some(&tenant),
        target: &target,
        clean_will_do,
    };
    let mut checkout = pool.checkout(want, deadline).await?;
    assert_eq!(checkout.target, target);
    assert!(checkout.dirty.is_none(), "handed out dirty");
    let bound = checkout.is_bound().then(|| tenant.clone());
    assert_eq!(checkout.bound, bound, "handed out in another's scope");
    checkout.dirty = Some(tenant);
    Ok(checkout)
}

/// Until everything that was begun has ended.
pub(crate) async fn quiet(pool: &FakePool) {
    loop {
        let status = pool.status();
        if status.in_use == 0 && status.waiting == 0 {
            return;
        }
        sleep(Duration::from_millis(1)).await;
    }
}
