//! Everything at once, in random orders that a seed brings back: `TENANCY_POOL_SEED=7`.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{sleep, timeout};

use crate::fake::{FakePool, Mode, World, at, begin, limits, take, tenant, with_limits};

const STEPS: u32 = 10_000;
const TASKS: u32 = 40;
const TENANTS: u32 = 12;
const CAP: u32 = 3;

fn seeds() -> Vec<u64> {
    match std::env::var("TENANCY_POOL_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=6).collect(),
    }
}

/// How many each tenant has out.
#[derive(Default)]
struct Tally(Mutex<[u32; TENANTS as usize]>);

impl Tally {
    fn enter(&self, who: u32, world: &World) {
        let mut out = self.0.lock().unwrap();
        out[who as usize] += 1;
        if out[who as usize] > CAP {
            world.accuse(format!(
                "a tenant has {} connections out",
                out[who as usize]
            ));
        }
    }

    fn leave(&self, who: u32) {
        self.0.lock().unwrap()[who as usize] -= 1;
    }
}

fn mode(random: &mut SmallRng) -> Mode {
    match random.random_range(0..20) {
        0 => Mode::Fails,
        1 => Mode::Hangs,
        2 => Mode::Panics,
        _ => Mode::Works,
    }
}

fn target(random: &mut SmallRng, who: u32) -> u32 {
    match random.random_range(0..4) {
        0 => 100 + who,
        1 => 2,
        _ => 1,
    }
}

async fn step(pool: &FakePool, world: &Arc<World>, tally: &Tally, random: &mut SmallRng) {
    let who = random.random_range(0..TENANTS);
    let target = target(random, who);
    match random.random_range(0..100) {
        0..3 => pool.evict(&tenant(who)),
        3..5 => pool.suspect(&at(target)),
        5..8 => {
            let (mode, which) = (mode(random), random.random_range(0..6));
            if which == 5 {
                world.connect_mode(target, mode);
            } else {
                world.change(|modes| match which {
                    0 => modes.clean = mode,
                    1 => modes.bind = mode,
                    2 => modes.ping = mode,
                    3 => modes.keep = mode,
                    _ => modes.close = mode,
                });
            }
        }
        8 => world.change(|modes| modes.keeps = !modes.keeps),
        9 => {
            let delay = Duration::from_micros(random.random_range(0..3_000));
            world.change(|modes| modes.delay = delay);
        }
        _ => use_one(pool, world, tally, random, who, target).await,
    }
}

async fn use_one(
    pool: &FakePool,
    world: &Arc<World>,
    tally: &Tally,
    random: &mut SmallRng,
    who: u32,
    target: u32,
) {
    let central = random.random_range(0..20) == 0;
    let patience = Duration::from_millis(random.random_range(0..300));
    let deadline = tokio::time::Instant::now() + Duration::from_millis(200);
    let asked = (!central).then_some(who);
    let asking = async {
        if random.random_range(0..3) == 0 {
            begin(pool, asked, target, deadline).await
        } else {
            take(pool, asked, target, deadline).await
        }
    };
    // Dropped in the middle, now and then.
    let Ok(Ok(mut out)) = timeout(patience, asking).await else {
        return;
    };
    if !central {
        tally.enter(who, world);
    }
    match random.random_range(0..12) {
        0 => out.spoil(),
        1 => out.lose(),
        2..6 => sleep(Duration::from_millis(random.random_range(0..5))).await,
        _ => tokio::task::yield_now().await,
    }
    if !central {
        tally.leave(who);
    }
    if random.random_range(0..50) == 0 {
        std::thread::spawn(move || drop(out)).join().unwrap();
    } else {
        drop(out);
    }
}

async fn run(seed: u64) {
    let mut limits = limits(8, CAP);
    limits.reserve = Some(2);
    limits.connect = Duration::from_millis(40);
    limits.clean = Duration::from_millis(30);
    limits.shelf = Duration::from_millis(60);
    limits.idle = Duration::from_millis(400);
    limits.lifetime = Duration::from_millis(300);
    let (pool, world) = with_limits(limits);
    let tally = Arc::new(Tally::default());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (pool, world, tally) = (pool.clone(), Arc::clone(&world), Arc::clone(&tally));
            let mut random = SmallRng::seed_from_u64(seed * 1_000 + u64::from(task));
            tokio::spawn(async move {
                for _ in 0..STEPS / TASKS {
                    step(&pool, &world, &tally, &mut random).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    world.change(|modes| *modes = crate::fake::Modes::default());
    for target in (0..3).chain(100..100 + TENANTS) {
        world.connect_mode(target, Mode::Works);
    }
    let mut tries = 0;
    loop {
        let status = pool.status();
        if status.in_use == 0 && status.waiting == 0 && world.live() == status.size {
            break;
        }
        tries += 1;
        assert!(
            tries < 2_000,
            "seed {seed}: {status:?}, {} live",
            world.live()
        );
        sleep(Duration::from_millis(5)).await;
    }
    // All places can be had: by one tenant up to its cap, by all up to the budget.
    let mut all = Vec::new();
    for who in 0..8 {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let out = take(&pool, Some(who), 1, deadline).await;
        all.push(out.unwrap_or_else(|error| panic!("seed {seed}: {error}, {:?}", pool.status())));
    }
    drop(all);
    pool.close().await;
    assert_eq!((pool.status().size, world.live()), (0, 0), "seed {seed}");
    world.assert_clean();
}

#[test]
fn on_one_thread_with_a_paused_clock() {
    for seed in seeds() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(seed));
    }
}

#[test]
fn on_many_threads() {
    for seed in seeds().into_iter().take(2) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(run(seed));
    }
}
