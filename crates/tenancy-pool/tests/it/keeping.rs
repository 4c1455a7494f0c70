//! Connections whose scope is left open for their tenant's next use.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::fake::{
    FakePool, Mode, OWN, World, assert_at_rest, begin, in_secs, limits, must, pool, rest, take,
    tenant, visit, with_limits,
};

fn keeping(connections: u32) -> (FakePool, std::sync::Arc<World>) {
    let (pool, world) = pool(connections);
    world.change(|modes| modes.keeps = true);
    (pool, world)
}

/// Cleaned, bound, and kept.
fn counts(world: &World) -> (u32, u32, u32) {
    (
        world.cleans.load(SeqCst),
        world.binds.load(SeqCst),
        world.keeps.load(SeqCst),
    )
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_left_open_for_its_own_tenant() {
    let (pool, world) = keeping(2);
    let first = visit(&pool, 1, 1).await;
    assert_eq!(pool.status().shelved, 1);
    for _ in 0..3 {
        let out = must(&pool, 1, 1).await;
        assert!(out.is_bound());
        assert_eq!(out.serial, first);
        drop(out);
        rest().await;
    }
    assert_eq!(counts(&world), (0, 0, 4));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn another_tenant_gets_it_cleaned() {
    let (pool, world) = keeping(1);
    let first = visit(&pool, 1, 1).await;
    let out = must(&pool, 2, 1).await;
    assert_eq!((out.serial, out.is_bound()), (first, false));
    drop(out);
    rest().await;
    assert_eq!(counts(&world), (1, 0, 2));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn it_is_not_kept_from_who_waits() {
    let (pool, world) = keeping(1);
    let out = must(&pool, 1, 1).await;
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move {
            let out = take(&pool, Some(2), 1, in_secs(10)).await;
            out.map(|out| out.is_bound())
        }
    });
    rest().await;
    drop(out);
    assert!(!waits.await.unwrap().unwrap());
    rest().await;
    assert_eq!(counts(&world), (1, 0, 1), "kept for the second alone");
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_it_is_kept_is_served() {
    let (pool, world) = keeping(1);
    world.change(|modes| modes.keep = Mode::Hangs);
    drop(must(&pool, 1, 1).await);
    rest().await;
    let waits: Vec<_> = [2, 1]
        .map(|who| {
            let pool = pool.clone();
            tokio::spawn(async move { drop(must(&pool, who, 1).await) })
        })
        .into();
    rest().await;
    world.change(|modes| modes.keep = Mode::Works);
    for wait in waits {
        wait.await.unwrap();
    }
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn the_reserve_is_cleaned_and_not_kept() {
    let mut limits = limits(3, 3);
    limits.reserve = Some(1);
    let (pool, world) = with_limits(limits);
    world.change(|modes| modes.keeps = true);
    visit(&pool, 1, 1).await;
    assert_eq!((pool.status().shelved, counts(&world)), (0, (1, 0, 0)));
    let held = [must(&pool, 1, 1).await, must(&pool, 1, 1).await];
    drop(held);
    rest().await;
    assert_eq!((pool.status().shelved, pool.status().idle), (1, 2));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn no_scope_is_kept_where_there_are_no_shelves_or_nobody_to_keep_it_for() {
    let mut limits = limits(3, 3);
    limits.shelf = Duration::ZERO;
    let (pool, world) = with_limits(limits);
    world.change(|modes| modes.keeps = true);
    visit(&pool, 1, 1).await;
    visit(&pool, 1, OWN).await;
    assert_eq!(counts(&world), (2, 0, 0));
    let (pool, world) = keeping(1);
    drop(begin(&pool, None, 1, in_secs(1)).await.unwrap());
    rest().await;
    assert_eq!(counts(&world), (1, 0, 0), "central work has no shelf");
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_kept_is_closed_and_its_place_comes_back() {
    for mode in [Mode::Fails, Mode::Hangs, Mode::Panics] {
        let (pool, world) = keeping(1);
        world.change(|modes| modes.keep = mode);
        let first = must(&pool, 1, 1).await;
        let serial = first.serial;
        drop(first);
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.change(|modes| modes.keep = Mode::Works);
        assert_eq!((pool.status().size, world.live()), (0, 0), "{mode:?}");
        assert_ne!(visit(&pool, 1, 1).await, serial);
        assert_at_rest(&pool, &world);
    }
    // Lost while it was kept.
    let (pool, world) = keeping(1);
    let out = must(&pool, 1, 1).await;
    let loser = out.loser();
    world.change(|modes| modes.keep = Mode::Hangs);
    drop(out);
    rest().await;
    loser.store(true, SeqCst);
    world.change(|modes| modes.keep = Mode::Works);
    rest().await;
    assert_eq!(pool.status().size, 0);
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_while_it_is_kept_is_not_missed() {
    let (pool, world) = keeping(3);
    world.change(|modes| modes.keep = Mode::Hangs);
    drop(must(&pool, 1, 1).await);
    rest().await;
    assert_eq!(world.keeps.load(SeqCst), 1);
    pool.evict(&tenant(1));
    world.change(|modes| modes.keep = Mode::Works);
    rest().await;
    assert_eq!(pool.status().shelved, 0);
    // One that was out when its tenant was evicted is not kept either.
    let out = must(&pool, 1, 1).await;
    pool.evict(&tenant(1));
    drop(out);
    rest().await;
    assert_eq!((pool.status().shelved, world.keeps.load(SeqCst)), (0, 1));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_shelf_that_is_kept_empty_of_use_is_cleaned_when_its_time_is_over() {
    let mut limits = limits(1, 1);
    limits.shelf = Duration::from_secs(30);
    let (pool, world) = with_limits(limits);
    world.change(|modes| modes.keeps = true);
    for _ in 0..3 {
        visit(&pool, 1, 1).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(pool.status().shelved, 1, "used again in time");
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!((pool.status().idle, pool.status().shelved), (1, 0));
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_closes_keeps_nothing() {
    let (pool, world) = keeping(2);
    let out = must(&pool, 1, 1).await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    rest().await;
    drop(out);
    closing.await.unwrap();
    assert_eq!((world.keeps.load(SeqCst), world.live()), (0, 0));
    world.assert_clean();
}
