//! A manager without a database. It counts what lives, and writes down every broken rule.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenancy_core::TenantId;
use tenancy_pool::{Checkout, Error, Limits, Manager, Pool, Want};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// Targets below this are shared: a scope is opened on their connections. Those from here on are one
/// tenant's alone.
pub(crate) const OWN: u32 = 100;

/// Where a connection leads. Its copies are counted, so that entries that stay are seen.
#[derive(Debug)]
pub(crate) struct Place(pub(crate) u32, Option<Arc<AtomicI64>>);

impl Place {
    pub(crate) fn counted(number: u32, count: &Arc<AtomicI64>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(number, Some(Arc::clone(count)))
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        match &self.1 {
            Some(count) => Self::counted(self.0, count),
            None => at(self.0),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(count) = &self.1 {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

pub(crate) fn at(number: u32) -> Place {
    Place(number, None)
}

pub(crate) fn tenant(number: u32) -> TenantId {
    TenantId::from(number)
}

/// What happens to the next call of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    #[default]
    Works,
    Fails,
    Hangs,
    Panics,
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("attempt {0} was refused")]
pub(crate) struct Refused(pub(crate) u64);

/// What a manager and its connections see.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) max: u32,
    live: AtomicU32,
    pub(crate) peak: AtomicU32,
    serial: AtomicU64,
    pub(crate) attempts: AtomicU32,
    pub(crate) attempting: AtomicU32,
    pub(crate) peak_attempting: AtomicU32,
    pub(crate) cleans: AtomicU32,
    pub(crate) binds: AtomicU32,
    pub(crate) keeps: AtomicU32,
    pub(crate) pings: AtomicU32,
    pub(crate) closes: AtomicU32,
    connect: Mutex<HashMap<u32, Mode>>,
    modes: Mutex<Modes>,
    changed: Notify,
    broken: Mutex<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Modes {
    pub(crate) clean: Mode,
    /// Whether a scope can be left open.
    pub(crate) keeps: bool,
    pub(crate) keep: Mode,
    pub(crate) bind: Mode,
    pub(crate) ping: Mode,
    pub(crate) close: Mode,
    pub(crate) delay: Duration,
    pub(crate) alive_panics: bool,
}

impl World {
    pub(crate) fn live(&self) -> u32 {
        self.live.load(Ordering::SeqCst)
    }

    pub(crate) fn accuse(&self, what: impl Into<String>) {
        self.broken.lock().unwrap().push(what.into());
    }

    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let broken = self.broken.lock().unwrap();
        assert!(broken.is_empty(), "rules were broken: {broken:#?}");
    }

    /// How attempts to connect to a target go from now on; one that hangs goes on.
    pub(crate) fn connect_mode(&self, target: u32, mode: Mode) {
        self.connect.lock().unwrap().insert(target, mode);
        self.changed.notify_waiters();
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Modes)) {
        change(&mut self.modes.lock().unwrap());
        self.changed.notify_waiters();
    }

    fn modes(&self) -> Modes {
        *self.modes.lock().unwrap()
    }

    fn connecting(&self, target: u32) -> Mode {
        let modes = self.connect.lock().unwrap();
        modes.get(&target).copied().unwrap_or_default()
    }

    /// What the mode is, once it doesn't hang.
    async fn decided(&self, mode: impl Fn(&Self) -> Mode) -> Mode {
        loop {
            let changed = self.changed.notified();
            match mode(self) {
                Mode::Hangs => changed.await,
                Mode::Panics => panic!("this call was told to panic"),
                mode => return mode,
            }
        }
    }

    async fn decide(&self, mode: impl Fn(&Modes) -> Mode) -> Mode {
        let decided = self.decided(|world| mode(&world.modes())).await;
        let delay = self.modes().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        decided
    }
}

/// One connection that lives, from before it is made until it is gone.
struct Life(Arc<World>);

impl Life {
    fn begin(world: &Arc<World>) -> Self {
        let live = world.live.fetch_add(1, Ordering::SeqCst) + 1;
        world.peak.fetch_max(live, Ordering::SeqCst);
        if live > world.max {
            world.accuse(format!(
                "{live} connections, and the budget is {}",
                world.max
            ));
        }
        Self(Arc::clone(world))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) struct Conn {
    pub(crate) serial: u64,
    pub(crate) target: u32,
    /// Whose scope is open on it.
    pub(crate) bound: Option<TenantId>,
    /// Who used it since it was cleaned.
    #[allow(clippy::option_option)] // nobody yet; central work; a tenant
    pub(crate) used_by: Option<Option<TenantId>>,
    /// Something was begun on it and not ended: nobody knows how it is.
    torn: bool,
    lost: Arc<AtomicBool>,
    life: Life,
}

impl Conn {
    /// The connection breaks, without a word.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    pub(crate) fn loser(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lost)
    }

    fn begin(&mut self, what: &str) {
        if self.torn {
            self.world()
                .accuse(format!("{what} of a connection that was left half done"));
        }
        self.torn = true;
    }

    fn world(&self) -> &Arc<World> {
        &self.life.0
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

pub(crate) struct Fake(pub(crate) Arc<World>);

impl Manager for Fake {
    type Target = Place;
    type Connection = Conn;
    type Error = Refused;

    async fn connect(&self, target: &Place) -> Result<Conn, Refused> {
        struct Attempt<'a>(&'a World);
        impl Drop for Attempt<'_> {
            fn drop(&mut self) {
                self.0.attempting.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let world = &self.0;
        let life = Life::begin(world);
        world.attempts.fetch_add(1, Ordering::SeqCst);
        let attempting = world.attempting.fetch_add(1, Ordering::SeqCst) + 1;
        world
            .peak_attempting
            .fetch_max(attempting, Ordering::SeqCst);
        let attempt = Attempt(world);
        let mode = world.decided(|world| world.connecting(target.0)).await;
        let delay = world.modes().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        drop(attempt);
        let serial = world.serial.fetch_add(1, Ordering::SeqCst) + 1;
        if mode == Mode::Fails {
            return Err(Refused(serial));
        }
        Ok(Conn {
            serial,
            target: target.0,
            bound: None,
            used_by: None,
            torn: false,
            lost: Arc::default(),
            life,
        })
    }

    async fn clean(&self, connection: &mut Conn) -> bool {
        self.0.cleans.fetch_add(1, Ordering::SeqCst);
        connection.begin("cleaning");
        let mode = self.0.decide(|modes| modes.clean).await;
        connection.torn = false;
        connection.bound = None;
        connection.used_by = None;
        mode == Mode::Works && !connection.lost.load(Ordering::SeqCst)
    }

    async fn keep(&self, connection: &mut Conn, tenant: &TenantId) -> Option<bool> {
        if connection.target >= OWN || !self.0.modes().keeps {
            return None;
        }
        self.0.keeps.fetch_add(1, Ordering::SeqCst);
        if connection.bound.as_ref() != Some(tenant) {
            self.0.accuse("another tenant's scope was to be kept");
        }
        connection.begin("keeping");
        let mode = self.0.decide(|modes| modes.keep).await;
        connection.torn = false;
        connection.used_by = None;
        Some(mode == Mode::Works && !connection.lost.load(Ordering::SeqCst))
    }

    async fn bind(&self, connection: &mut Conn, tenant: &TenantId) -> Option<bool> {
        if connection.target >= OWN {
            return None;
        }
        self.0.binds.fetch_add(1, Ordering::SeqCst);
        if connection.used_by.is_some() || connection.bound.is_some() {
            self.0.accuse("a connection was bound that is not clean");
        }
        connection.begin("binding");
        let mode = self.0.decide(|modes| modes.bind).await;
        connection.torn = false;
        connection.bound = Some(tenant.clone());
        Some(mode == Mode::Works && !connection.lost.load(Ordering::SeqCst))
    }

    fn is_alive(&self, connection: &Conn) -> bool {
        assert!(!self.0.modes().alive_panics, "asked once too often");
        !connection.lost.load(Ordering::SeqCst)
    }

    async fn ping(&self, connection: &mut Conn) -> bool {
        self.0.pings.fetch_add(1, Ordering::SeqCst);
        connection.begin("asking");
        let mode = self.0.decide(|modes| modes.ping).await;
        connection.torn = false;
        mode == Mode::Works && !connection.lost.load(Ordering::SeqCst)
    }

    async fn close(&self, connection: Conn) {
        self.0.closes.fetch_add(1, Ordering::SeqCst);
        self.0.decide(|modes| modes.close).await;
        drop(connection);
    }
}

pub(crate) type FakePool = Pool<Fake>;
pub(crate) type Out = Checkout<Fake>;
pub(crate) type Outcome = Result<Out, Error<Refused>>;

pub(crate) fn limits(connections: u32, per_tenant: u32) -> Limits {
    let mut limits = Limits::default();
    limits.connections = connections;
    limits.per_tenant = Some(per_tenant);
    limits.reserve = Some(0);
    limits
}

/// A pool of this many connections, as many for one tenant, and no reserve.
pub(crate) fn pool(connections: u32) -> (FakePool, Arc<World>) {
    with_limits(limits(connections, connections))
}

pub(crate) fn with_limits(limits: Limits) -> (FakePool, Arc<World>) {
    let world = Arc::new(World {
        max: limits.connections,
        ..World::default()
    });
    (Pool::new(Fake(Arc::clone(&world)), limits), world)
}

pub(crate) fn in_secs(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// Checks out, looks at what came with the eyes of the tenant, and uses it.
pub(crate) async fn take(
    pool: &FakePool,
    who: Option<u32>,
    target: u32,
    deadline: Instant,
) -> Outcome {
    ask(pool, who, target, false, deadline).await
}

/// The same for a transaction, for which a clean connection will do.
pub(crate) async fn begin(
    pool: &FakePool,
    who: Option<u32>,
    target: u32,
    deadline: Instant,
) -> Outcome {
    ask(pool, who, target, true, deadline).await
}

async fn ask(
    pool: &FakePool,
    who: Option<u32>,
    target: u32,
    clean_will_do: bool,
    deadline: Instant,
) -> Outcome {
    let who = who.map(tenant);
    let mut out = pool
        .checkout(
            Want {
                tenant: who.as_ref(),
                target: &at(target),
                clean_will_do,
            },
            deadline,
        )
        .await?;
    let world = &pool.manager().0;
    if out.target != target {
        world.accuse("a connection leads elsewhere");
    }
    if out.torn {
        world.accuse("a connection was handed out half done");
    }
    if out.used_by.is_some() {
        world.accuse("a connection was handed out that was not cleaned");
    }
    if out.bound.is_some() != out.is_bound() {
        world.accuse("is_bound says something else than the connection");
    }
    if out.bound.is_some() && out.bound != who {
        world.accuse("a connection of another tenant's shelf was handed out");
    }
    out.used_by = Some(who.clone());
    out.bound = who;
    Ok(out)
}

/// Checks out within ten seconds, where that must work.
pub(crate) async fn must(pool: &FakePool, who: u32, target: u32) -> Out {
    take(pool, Some(who), target, in_secs(10)).await.unwrap()
}

/// Lets all tasks run until none can go on: the clock is paused, so it moves when all are idle.
pub(crate) async fn rest() {
    sleep(Duration::from_millis(200)).await;
}

/// Uses a connection once, lets it come to rest, and says which it was.
pub(crate) async fn visit(pool: &FakePool, who: u32, target: u32) -> u64 {
    let out = must(pool, who, target).await;
    let serial = out.serial;
    drop(out);
    rest().await;
    serial
}

/// Everything came back: nothing is in use, no more lives than the pool says, and after the end
/// nothing does.
#[track_caller]
pub(crate) fn assert_at_rest(pool: &FakePool, world: &World) {
    let status = pool.status();
    assert_eq!(
        (status.in_use, status.waiting, status.size),
        (0, 0, status.idle),
        "{status:?}"
    );
    assert_eq!(world.live(), status.size, "{status:?}");
    world.assert_clean();
}
