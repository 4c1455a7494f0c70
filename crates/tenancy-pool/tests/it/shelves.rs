//! Shelves, the reserve, evictions and suspicions.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::fake::{
    Mode, assert_at_rest, at, in_secs, limits, must, pool, rest, take, tenant, visit, with_limits,
};

#[tokio::test(start_paused = true)]
async fn a_shelf_is_cleaned_when_its_time_is_over_and_closed_later() {
    let mut limits = limits(3, 3);
    limits.shelf = Duration::from_secs(30);
    limits.idle = Duration::from_mins(10);
    let (pool, world) = with_limits(limits);
    visit(&pool, 1, 1).await;
    assert_eq!(pool.status().shelved, 1);
    tokio::time::sleep(Duration::from_secs(35)).await;
    assert_eq!((pool.status().idle, pool.status().shelved), (1, 0));
    assert_eq!(world.closes.load(SeqCst), 0);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!((pool.status().size, world.closes.load(SeqCst)), (0, 1));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn the_reserve_stays_clean() {
    let mut limits = limits(4, 4);
    limits.reserve = Some(2);
    let (pool, world) = with_limits(limits);
    let held: Vec<_> = [
        must(&pool, 1, 1).await,
        must(&pool, 2, 1).await,
        must(&pool, 3, 1).await,
        must(&pool, 4, 1).await,
    ]
    .into();
    drop(held);
    rest().await;
    let status = pool.status();
    assert_eq!((status.idle, status.shelved), (4, 2));
    // A tenant without a shelf finds one that needs no cleaning.
    let cleans = world.cleans.load(SeqCst);
    let out = must(&pool, 9, 1).await;
    assert_eq!(world.cleans.load(SeqCst), cleans);
    drop(out);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn an_evicted_tenants_shelf_is_emptied() {
    let (pool, world) = pool(3);
    visit(&pool, 1, 1).await;
    visit(&pool, 2, 1).await;
    assert_eq!(pool.status().shelved, 2);
    pool.evict(&tenant(1));
    rest().await;
    assert_eq!(pool.status().shelved, 1, "the other's is still there");
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn all_shelves_are_emptied_at_once() {
    let (pool, world) = pool(4);
    visit(&pool, 1, 1).await;
    visit(&pool, 2, 1).await;
    let out = must(&pool, 3, 1).await;
    assert_eq!(pool.status().shelved, 2);
    pool.evict_all();
    drop(out);
    rest().await;
    assert_eq!(pool.status().shelved, 0);
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn what_an_evicted_tenant_had_out_is_not_bound_again() {
    let (pool, world) = pool(3);
    let out = must(&pool, 1, 1).await;
    pool.evict(&tenant(1));
    drop(out);
    rest().await;
    assert_eq!((pool.status().shelved, world.binds.load(SeqCst)), (0, 0));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_while_it_is_bound_is_not_missed() {
    let (pool, world) = pool(3);
    world.change(|modes| modes.bind = Mode::Hangs);
    drop(must(&pool, 1, 1).await);
    rest().await;
    assert_eq!(world.binds.load(SeqCst), 1);
    pool.evict(&tenant(1));
    world.change(|modes| modes.bind = Mode::Works);
    rest().await;
    assert_eq!(pool.status().shelved, 0);
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_while_it_is_asked_is_not_missed() {
    let (pool, world) = pool(3);
    visit(&pool, 1, 1).await;
    world.change(|modes| modes.ping = Mode::Hangs);
    pool.suspect(&at(1));
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move {
            take(&pool, Some(1), 1, in_secs(10))
                .await
                .map(|out| out.serial)
        }
    });
    rest().await;
    pool.evict(&tenant(1));
    world.change(|modes| modes.ping = Mode::Works);
    waits.await.unwrap().unwrap();
    rest().await;
    // Whatever it was served with is on the shelf now, with a right that was asked for after the
    // eviction; nothing from before it is.
    assert!(pool.status().shelved <= 1);
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_login_of_its_own_is_closed_with_its_right() {
    let (pool, world) = pool(3);
    let idle = must(&pool, 1, 101).await;
    let out = must(&pool, 1, 101).await;
    drop(idle);
    rest().await;
    pool.evict(&tenant(1));
    rest().await;
    assert_eq!(
        pool.status().idle,
        0,
        "its credential may have been changed"
    );
    drop(out);
    rest().await;
    assert_eq!((pool.status().size, world.closes.load(SeqCst)), (0, 2));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn suspects_are_asked_before_they_are_used() {
    let (pool, world) = pool(3);
    let serial = visit(&pool, 1, 1).await;
    pool.suspect(&at(1));
    assert_eq!(must(&pool, 1, 1).await.serial, serial);
    assert_eq!(world.pings.load(SeqCst), 1);
    rest().await;
    // It has answered since.
    assert_eq!(must(&pool, 1, 1).await.serial, serial);
    assert_eq!(world.pings.load(SeqCst), 1);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn suspects_that_dont_answer_are_closed() {
    for mode in [Mode::Fails, Mode::Panics, Mode::Hangs] {
        let (pool, world) = pool(3);
        let held = (
            must(&pool, 1, 1).await,
            must(&pool, 2, 1).await,
            must(&pool, 3, 1).await,
        );
        let old = [held.0.serial, held.1.serial, held.2.serial];
        drop(held);
        rest().await;
        world.change(|modes| modes.ping = mode);
        pool.suspect(&at(1));
        let out = must(&pool, 1, 1).await;
        assert!(!old.contains(&out.serial), "{mode:?}");
        drop(out);
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.change(|modes| modes.ping = Mode::Works);
        for who in [1, 2, 3] {
            assert!(!old.contains(&must(&pool, who, 1).await.serial), "{mode:?}");
            rest().await;
        }
        assert_at_rest(&pool, &world);
    }
}

#[tokio::test(start_paused = true)]
async fn suspecting_an_unknown_target_is_nothing() {
    let (pool, world) = pool(3);
    pool.suspect(&at(77));
    pool.evict(&tenant(77));
    rest().await;
    assert_eq!((pool.status().tenants, pool.status().targets), (0, 0));
    assert_at_rest(&pool, &world);
}
