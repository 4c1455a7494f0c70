//! What becomes of a connection that comes back.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tenancy_pool::Error;

use crate::fake::{
    Mode, assert_at_rest, begin, in_secs, limits, must, pool, rest, take, visit, with_limits,
};

#[tokio::test(start_paused = true)]
async fn it_is_cleaned_before_another_gets_it() {
    let (pool, world) = pool(1);
    let first = visit(&pool, 1, 1).await;
    assert_eq!(visit(&pool, 2, 1).await, first);
    assert!(world.cleans.load(SeqCst) >= 2);
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_spoiled_one_is_closed_without_being_cleaned() {
    let (pool, world) = pool(1);
    let mut out = must(&pool, 1, 1).await;
    out.spoil();
    drop(out);
    rest().await;
    assert_eq!(
        (world.cleans.load(SeqCst), world.closes.load(SeqCst)),
        (0, 1)
    );
    assert_eq!(pool.status().size, 0);
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn one_that_cant_be_cleaned_is_closed() {
    for mode in [Mode::Fails, Mode::Panics, Mode::Hangs] {
        let (pool, world) = pool(1);
        let out = must(&pool, 1, 1).await;
        world.change(|modes| modes.clean = mode);
        let serial = out.serial;
        drop(out);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(pool.status().size, 0, "{mode:?}");
        assert_eq!(world.live(), 0, "{mode:?}");
        world.change(|modes| modes.clean = Mode::Works);
        assert_ne!(visit(&pool, 1, 1).await, serial);
        assert_at_rest(&pool, &world);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_cant_be_bound_is_closed() {
    for mode in [Mode::Fails, Mode::Panics, Mode::Hangs] {
        let (pool, world) = pool(1);
        world.change(|modes| modes.bind = mode);
        drop(must(&pool, 1, 1).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!((pool.status().size, world.live()), (0, 0), "{mode:?}");
        world.change(|modes| modes.bind = Mode::Works);
        visit(&pool, 1, 1).await;
        assert_at_rest(&pool, &world);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_may_hang_or_panic() {
    for mode in [Mode::Panics, Mode::Hangs] {
        let (pool, world) = pool(1);
        world.change(|modes| modes.close = mode);
        let mut out = must(&pool, 1, 1).await;
        out.spoil();
        drop(out);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!((pool.status().size, world.live()), (0, 0), "{mode:?}");
        visit(&pool, 1, 1).await;
        assert_at_rest(&pool, &world);
    }
}

#[tokio::test(start_paused = true)]
async fn its_place_is_taken_until_it_is_closed() {
    let (pool, world) = pool(1);
    world.change(|modes| modes.close = Mode::Hangs);
    visit(&pool, 1, 101).await;
    let next = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, Some(2), 102, in_secs(10)).await }
    });
    rest().await;
    assert!(!next.is_finished());
    assert_eq!(world.attempts.load(SeqCst), 1, "the first one still lives");
    world.change(|modes| modes.close = Mode::Works);
    next.await.unwrap().unwrap();
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn its_time_is_over_when_it_comes_back() {
    let mut limits = limits(2, 2);
    limits.lifetime = Duration::from_mins(1);
    let (pool, world) = with_limits(limits);
    let out = must(&pool, 1, 1).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    drop(out);
    rest().await;
    assert_eq!((pool.status().size, world.closes.load(SeqCst)), (0, 1));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_it_clean_and_it_is_not_bound_first() {
    let (pool, world) = pool(1);
    let out = must(&pool, 1, 1).await;
    let next = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, Some(2), 1, in_secs(10)).await }
    });
    rest().await;
    let serial = out.serial;
    drop(out);
    let next = next.await.unwrap().unwrap();
    assert_eq!((next.serial, world.binds.load(SeqCst)), (serial, 0));
    drop(next);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_it_is_bound_gets_it_after_that() {
    let (pool, world) = pool(1);
    world.change(|modes| modes.bind = Mode::Hangs);
    drop(must(&pool, 1, 1).await);
    rest().await;
    let same = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, Some(1), 1, in_secs(10)).await.map(drop) }
    });
    let other = tokio::spawn({
        let pool = pool.clone();
        async move { begin(&pool, Some(2), 1, in_secs(10)).await.map(drop) }
    });
    rest().await;
    world.change(|modes| modes.bind = Mode::Works);
    same.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_not_handed_out() {
    let (pool, world) = pool(2);
    let out = must(&pool, 1, 1).await;
    let (serial, loser) = (out.serial, out.loser());
    drop(out);
    rest().await;
    loser.store(true, SeqCst);
    assert_ne!(must(&pool, 1, 1).await.serial, serial);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_is_alive_is_a_no() {
    let (pool, world) = pool(1);
    visit(&pool, 1, 1).await;
    world.change(|modes| modes.alive_panics = true);
    let outcome = take(&pool, Some(1), 1, in_secs(1)).await;
    assert!(!matches!(outcome, Err(Error::Closed)), "{outcome:?}");
    drop(outcome);
    rest().await;
    world.change(|modes| modes.alive_panics = false);
    visit(&pool, 1, 1).await;
    assert_at_rest(&pool, &world);
}
