//! Everything at once, in random orders that a seed gives again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep, timeout};

use super::world::{FakePool, Mood, World, limits, pool, quiet, take, take_how, tenant};

const TARGETS: [&str; 4] = ["x", "y", "z", "flaky"];
const MOODS: [Mood; 4] = [Mood::Fine, Mood::Fails, Mood::Hangs, Mood::Panics];

#[test]
fn ten_thousand_steps_on_one_thread() {
    for seed in 0..4 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(storm(seed, 10_000));
    }
}

#[test]
fn two_thousand_steps_on_four_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(storm(99, 2000));
}

async fn storm(seed: u64, steps: u32) {
    // The panics are told to happen.
    let mut random = SmallRng::seed_from_u64(seed);
    let mut limits = limits(6);
    limits.reserve = Some(1);
    limits.connect = Duration::from_millis(40);
    limits.clean = Duration::from_millis(20);
    limits.shelf = Duration::from_millis(60);
    limits.idle = Duration::from_millis(200);
    limits.lifetime = Duration::from_millis(900);
    let (pool, world) = pool(limits);
    *world.connect_takes.lock().unwrap() = Duration::from_millis(2);
    let served = Arc::new(AtomicU32::new(0));
    let mut tasks = Vec::new();
    for step in 0..steps {
        match random.random_range(0..100) {
            0..90 => {
                let served = Arc::clone(&served);
                tasks.push(tokio::spawn(one(pool.clone(), random.random(), served)));
            }
            90..93 => pool.evict(&tenant(format!("t{}", random.random_range(0..12)))),
            93..95 => pool.suspect(&TARGETS[random.random_range(0..4)]),
            95 => world.mood("flaky", MOODS[random.random_range(0..4)]),
            96 => *world.clean_mood.lock().unwrap() = MOODS[random.random_range(0..4)],
            97 => *world.bind_mood.lock().unwrap() = MOODS[random.random_range(0..4)],
            98 => *world.ping_mood.lock().unwrap() = MOODS[random.random_range(0..4)],
            _ => {
                for mood in [&world.clean_mood, &world.bind_mood, &world.ping_mood] {
                    *mood.lock().unwrap() = Mood::Fine;
                }
            }
        }
        let status = pool.status();
        assert!(status.size <= 6, "seed {seed}, step {step}: {status:?}");
        assert!(
            !world.over_budget.load(Ordering::SeqCst),
            "seed {seed}, step {step}"
        );
        if random.random_ratio(1, 3) {
            sleep(Duration::from_micros(random.random_range(0..3000))).await;
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    for mood in [&world.clean_mood, &world.bind_mood, &world.ping_mood] {
        *mood.lock().unwrap() = Mood::Fine;
    }
    world.mood("flaky", Mood::Fine);
    quiet(&pool).await;
    // Nothing was lost: the whole budget can be had, at each target.
    for target in TARGETS {
        let mut held = Vec::new();
        for at in 0..6 {
            let got = take(&pool, &format!("end{at}"), target).await;
            held.push(got.unwrap_or_else(|error| panic!("seed {seed}, {target}: {error}")));
        }
        drop(held);
        quiet(&pool).await;
    }
    pool.close().await;
    let status = pool.status();
    assert_eq!((status.size, status.tenants, status.waiting), (0, 0, 0));
    assert_eq!(World::count(&world.live), 0, "seed {seed}");
    assert!(served.load(Ordering::SeqCst) > steps / 10, "seed {seed}");
}

async fn one(pool: FakePool, seed: u64, served: Arc<AtomicU32>) {
    let mut random = SmallRng::seed_from_u64(seed);
    let name = format!("t{}", random.random_range(0..12));
    let target = TARGETS[random.random_range(0..4)];
    let deadline = Instant::now() + Duration::from_millis(random.random_range(0..200));
    let patience = Duration::from_micros(random.random_range(0..100_000));
    let taking = take_how(&pool, &name, target, random.random(), deadline);
    let Ok(Ok(mut held)) = timeout(patience, taking).await else {
        return;
    };
    served.fetch_add(1, Ordering::SeqCst);
    sleep(Duration::from_micros(random.random_range(0..2000))).await;
    match random.random_range(0..10) {
        0 => held.spoil(),
        1 => held.alive = false,
        2 => held.lost.store(true, Ordering::SeqCst),
        3 => {
            // A thread that knows no runtime.
            std::thread::spawn(move || drop(held)).join().unwrap();
            return;
        }
        _ => {}
    }
    drop(held);
}
