//! Connections that are being made: one at a time where nothing is known to be good, and at nobody
//! else's cost.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tenancy_pool::Error;
use tokio::time::Instant;

use crate::fake::{
    FakePool, Mode, Outcome, assert_at_rest, in_secs, limits, must, pool, rest, take, with_limits,
};

fn crowd(pool: &FakePool, size: u32, target: u32) -> Vec<tokio::task::JoinHandle<Outcome>> {
    let ask = |who| {
        let pool = pool.clone();
        tokio::spawn(async move { take(&pool, Some(who), target, in_secs(60)).await })
    };
    (0..size).map(ask).collect()
}

#[tokio::test(start_paused = true)]
async fn one_attempt_is_made_for_all_who_wait() {
    let (pool, world) = pool(20);
    world.connect_mode(1, Mode::Hangs);
    let tasks = crowd(&pool, 50, 1);
    rest().await;
    assert_eq!(world.attempts.load(SeqCst), 1);
    let status = pool.status();
    assert_eq!(
        (status.size, status.waiting),
        (1, 50),
        "those who wait hold nothing"
    );
    world.connect_mode(1, Mode::Works);
    for task in tasks {
        drop(task.await.unwrap().unwrap());
    }
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn its_failure_is_everyones() {
    let (pool, world) = pool(20);
    world.connect_mode(1, Mode::Hangs);
    let tasks = crowd(&pool, 50, 1);
    rest().await;
    world.connect_mode(1, Mode::Fails);
    let mut errors = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Err(Error::Connect(error)) => errors.push(error),
            other => panic!("{other:?}"),
        }
    }
    assert!(errors.iter().all(|error| Arc::ptr_eq(error, &errors[0])));
    assert_eq!(world.attempts.load(SeqCst), 1);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_dead_database_is_not_hammered_and_comes_back() {
    let (pool, world) = pool(5);
    world.connect_mode(1, Mode::Fails);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let outcome = take(&pool, Some(1), 1, in_secs(5)).await;
        assert!(matches!(outcome, Err(Error::Connect(_))), "{outcome:?}");
    }
    let attempts = world.attempts.load(SeqCst);
    assert!(
        attempts >= 15,
        "{attempts}: the pause is at most about a second"
    );
    assert!(attempts <= 40, "{attempts} attempts in 20 s");
    world.connect_mode(1, Mode::Works);
    let began = Instant::now();
    drop(must(&pool, 1, 1).await);
    assert!(began.elapsed() <= Duration::from_millis(1_100));
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn the_longest_pause_is_a_setting() {
    for (longest, least, most) in [(20, 200, 251), (200, 26, 28)] {
        let mut limits = limits(5, 5);
        limits.pause = Duration::from_millis(longest);
        let (pool, world) = with_limits(limits);
        world.connect_mode(1, Mode::Fails);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            let outcome = take(&pool, Some(1), 1, in_secs(5)).await;
            assert!(matches!(outcome, Err(Error::Connect(_))), "{outcome:?}");
        }
        let attempts = world.attempts.load(SeqCst);
        assert!((least..=most).contains(&attempts), "{attempts} in 5 s");
        rest().await;
        assert_at_rest(&pool, &world);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_target_holds_one_place_and_delays_nobody() {
    let (pool, world) = with_limits(limits(4, 4));
    world.connect_mode(101, Mode::Hangs);
    let waiting = crowd(&pool, 50, 101);
    rest().await;
    let began = Instant::now();
    let others = [
        must(&pool, 60, 1).await,
        must(&pool, 61, 102).await,
        must(&pool, 62, 1).await,
    ];
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "at once, though one place is hanging"
    );
    assert_eq!(pool.status().size, 4);
    drop(others);
    for task in waiting {
        let outcome = task.await.unwrap();
        assert!(
            matches!(outcome, Err(Error::ConnectTimedOut)),
            "{outcome:?}"
        );
    }
    assert_eq!(world.attempts.load(SeqCst), 1 + 3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_has_begun_to_hang_is_tried_once_at_a_time() {
    let (pool, world) = with_limits(limits(8, 4));
    let good = must(&pool, 1, 101).await;
    world.connect_mode(101, Mode::Fails);
    let outcome = take(&pool, Some(1), 101, in_secs(1)).await;
    assert!(outcome.is_err());
    world.connect_mode(101, Mode::Hangs);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { take(&pool, Some(1), 101, in_secs(60)).await })
        })
        .collect();
    rest().await;
    assert_eq!(world.attempting.load(SeqCst), 1);
    drop(good);
    for task in tasks {
        task.abort();
    }
    world.connect_mode(101, Mode::Works);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn several_are_made_at_once_where_it_is_known_to_be_good() {
    let (pool, world) = with_limits(limits(10, 4));
    let good = must(&pool, 1, 101).await;
    world.change(|modes| modes.delay = Duration::from_millis(50));
    let more = crowd_of(&pool, 1, 101, 6);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(world.attempting.load(SeqCst), 3, "up to the tenant's cap");
    drop(good);
    for task in more {
        drop(task.await.unwrap().unwrap());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_at_rest(&pool, &world);
}

fn crowd_of(
    pool: &FakePool,
    who: u32,
    target: u32,
    size: u32,
) -> Vec<tokio::task::JoinHandle<Outcome>> {
    let ask = |_| {
        let pool = pool.clone();
        tokio::spawn(async move { take(&pool, Some(who), target, in_secs(60)).await })
    };
    (0..size).map(ask).collect()
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_left_leaves_its_connection_to_the_next() {
    let (pool, world) = pool(2);
    world.connect_mode(1, Mode::Hangs);
    let left = crowd(&pool, 1, 1);
    rest().await;
    left[0].abort();
    rest().await;
    world.connect_mode(1, Mode::Works);
    rest().await;
    assert_eq!(pool.status().idle, 1);
    drop(must(&pool, 2, 1).await);
    assert_eq!(world.attempts.load(SeqCst), 1);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_connecting_costs_no_place() {
    let (pool, world) = pool(1);
    world.connect_mode(1, Mode::Panics);
    for _ in 0..5 {
        let outcome = take(&pool, Some(1), 1, in_secs(2)).await;
        assert!(outcome.is_err(), "{outcome:?}");
    }
    world.connect_mode(1, Mode::Works);
    drop(must(&pool, 1, 1).await);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_hanging_attempt_is_told_so() {
    let (pool, world) = pool(3);
    world.connect_mode(1, Mode::Hangs);
    let outcome = take(&pool, Some(1), 1, in_secs(1)).await;
    assert!(
        matches!(outcome, Err(Error::ConnectTimedOut)),
        "{outcome:?}"
    );
    world.connect_mode(1, Mode::Works);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_back_serves_who_waits_for_a_hanging_attempt() {
    let (pool, world) = with_limits(limits(4, 4));
    let good = must(&pool, 1, 1).await;
    world.connect_mode(1, Mode::Hangs);
    let waits = crowd(&pool, 1, 1);
    rest().await;
    let serial = good.serial;
    drop(good);
    let served = waits.into_iter().next().unwrap().await.unwrap().unwrap();
    assert_eq!(served.serial, serial);
    drop(served);
    world.connect_mode(1, Mode::Works);
    rest().await;
    assert_at_rest(&pool, &world);
}
