//! Rights that end, credentials that change, connections that were lost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::world::{Mood, World, limits, pool, quiet, take, tenant};

#[tokio::test(start_paused = true)]
async fn an_evicted_tenants_shelf_is_emptied_and_the_others_are_not() {
    let (pool, world) = pool(limits(4));
    drop((
        take(&pool, "a", "x").await.unwrap(),
        take(&pool, "b", "x").await.unwrap(),
    ));
    quiet(&pool).await;
    pool.evict(&tenant("a"));
    assert_eq!(pool.status().shelved, 1, "gone at once");
    quiet(&pool).await;
    assert!(!take(&pool, "a", "x").await.unwrap().is_bound());
    assert!(take(&pool, "b", "x").await.unwrap().is_bound());
    assert_eq!(World::count(&world.connects), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_in_use_is_not_bound_for_an_evicted_tenant() {
    let (pool, world) = pool(limits(4));
    let other = take(&pool, "b", "x").await.unwrap();
    let held = take(&pool, "a", "x").await.unwrap();
    pool.evict(&tenant("a"));
    drop(held);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(World::count(&world.binds), 0);
    assert_eq!((pool.status().idle, pool.status().shelved), (1, 0));
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_was_under_way_ends_on_no_shelf() {
    let (pool, world) = pool(limits(4));
    drop(take(&pool, "b", "x").await.unwrap());
    quiet(&pool).await;
    let held = take(&pool, "a", "x").await.unwrap();
    let before = World::count(&world.binds);
    drop(held);
    while World::count(&world.binds) == before {
        tokio::task::yield_now().await;
    }
    pool.evict(&tenant("a"));
    quiet(&pool).await;
    assert!(!take(&pool, "a", "x").await.unwrap().is_bound());
}

#[tokio::test(start_paused = true)]
async fn a_login_of_its_own_is_closed_at_rest_in_use_and_while_it_is_made() {
    let (pool, world) = pool(limits(4));
    world.no_binds.store(true, Ordering::SeqCst);
    let held = (
        take(&pool, "a", "a-own").await.unwrap(),
        take(&pool, "a", "a-own").await.unwrap(),
    );
    drop(held.0);
    sleep(Duration::from_millis(5)).await;
    assert_eq!(pool.status().idle, 1);
    pool.evict(&tenant("a"));
    drop(held.1);
    quiet(&pool).await;
    assert_eq!(World::count(&world.live), 0);

    *world.connect_takes.lock().unwrap() = Duration::from_millis(50);
    let connects = World::count(&world.connects);
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, "a", "a-own").await.unwrap().id }
    });
    sleep(Duration::from_millis(10)).await;
    assert_eq!(World::count(&world.connects), connects + 1);
    pool.evict(&tenant("a"));
    assert_eq!(
        waits.await.unwrap(),
        connects + 1,
        "with the old credential"
    );
}

#[tokio::test(start_paused = true)]
async fn suspects_are_asked_before_they_are_handed_out() {
    let (pool, world) = pool(limits(4));
    drop((
        take(&pool, "a", "x").await.unwrap(),
        take(&pool, "b", "x").await.unwrap(),
    ));
    quiet(&pool).await;
    pool.suspect(&"x");
    let held = take(&pool, "a", "x").await.unwrap();
    assert!(held.is_bound(), "asked, and still on its shelf");
    assert_eq!(World::count(&world.pings), 1);
    drop(held);
    quiet(&pool).await;
    drop(take(&pool, "a", "x").await.unwrap());
    assert_eq!(World::count(&world.pings), 1, "asked once");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_is_closed_and_so_is_what_rested_beside_it() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let (pool, world) = pool(limits(3));
        let held = (
            take(&pool, "a", "x").await.unwrap(),
            take(&pool, "b", "x").await.unwrap(),
            take(&pool, "c", "x").await.unwrap(),
        );
        drop(held);
        quiet(&pool).await;
        *world.ping_mood.lock().unwrap() = mood;
        pool.suspect(&"x");
        let begun = Instant::now();
        let held = take(&pool, "a", "x").await.unwrap();
        assert_eq!(held.id, 3);
        assert!(begun.elapsed() < Duration::from_millis(1500));
        assert_eq!(World::count(&world.pings), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_capped_tenant_with_suspects_gets_what_answers() {
    let mut limits = limits(4);
    limits.per_tenant = Some(2);
    let (pool, _) = pool(limits);
    drop((
        take(&pool, "a", "x").await.unwrap(),
        take(&pool, "a", "x").await.unwrap(),
    ));
    quiet(&pool).await;
    assert_eq!(pool.status().shelved, 2);
    pool.suspect(&"x");
    let begun = Instant::now();
    let both = tokio::join!(take(&pool, "a", "x"), take(&pool, "a", "x"));
    assert!(both.0.unwrap().is_bound() && both.1.unwrap().is_bound());
    assert!(begun.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn what_is_known_to_be_gone_is_not_handed_out() {
    let (pool, world) = pool(limits(2));
    let mut held = take(&pool, "a", "x").await.unwrap();
    held.alive = false;
    drop(held);
    quiet(&pool).await;
    let held = take(&pool, "a", "x").await.unwrap();
    assert_eq!((held.id, World::count(&world.live)), (1, 1));
}
