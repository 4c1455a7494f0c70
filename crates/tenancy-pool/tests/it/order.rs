//! What a checkout is served with, and in which order.

use crate::fake::{at, begin, in_secs, limits, must, pool, rest, take, tenant, visit, with_limits};
use std::sync::atomic::Ordering::SeqCst;
use tenancy_pool::{Error, Want};

#[tokio::test(start_paused = true)]
async fn a_tenant_finds_its_own_connection_in_its_scope() {
    let (pool, world) = pool(4);
    let first = visit(&pool, 1, 1).await;
    assert_eq!(pool.status().shelved, 1);
    let again = pool
        .checkout(
            Want {
                tenant: Some(&tenant(1)),
                target: &at(1),
                clean_will_do: false,
            },
            in_secs(1),
        )
        .await
        .unwrap();
    assert!(again.is_bound() && again.is_reused());
    assert_eq!(again.serial, first);
    drop(again);
    rest().await;
    let other = must(&pool, 2, 1).await;
    assert!(!other.is_bound() && !other.is_reused());
    assert_ne!(other.serial, first, "there was room for a new one");
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn the_last_used_is_taken_first() {
    let (pool, world) = pool(3);
    let (a, b) = (must(&pool, 1, 1).await, must(&pool, 1, 1).await);
    let (first, second) = (a.serial, b.serial);
    drop(a);
    rest().await;
    drop(b);
    rest().await;
    assert_eq!(must(&pool, 1, 1).await.serial, second);
    rest().await;
    let (a, b) = (must(&pool, 1, 1).await, must(&pool, 1, 1).await);
    assert_eq!((a.serial, b.serial), (second, first));
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_transaction_leaves_the_shelf_to_others() {
    let (pool, world) = pool(4);
    let shelved = must(&pool, 1, 1).await;
    let clean = take(&pool, None, 1, in_secs(1)).await.unwrap();
    let (on_shelf, at_rest) = (shelved.serial, clean.serial);
    drop((shelved, clean));
    rest().await;
    assert_eq!((pool.status().idle, pool.status().shelved), (2, 1));
    let transaction = begin(&pool, Some(1), 1, in_secs(1)).await.unwrap();
    assert_eq!(transaction.serial, at_rest);
    // And it takes the shelf's where there is no clean one.
    let next = begin(&pool, Some(1), 1, in_secs(1)).await.unwrap();
    assert_eq!(next.serial, on_shelf);
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_full_pool_cleans_the_least_recently_used_shelf() {
    let (pool, world) = pool(2);
    let older = must(&pool, 1, 1).await;
    let newer = must(&pool, 2, 1).await;
    let (first, second) = (older.serial, newer.serial);
    drop(older);
    rest().await;
    drop(newer);
    rest().await;
    assert_eq!(pool.status().shelved, 2);
    let third = must(&pool, 3, 1).await;
    assert_eq!(third.serial, first, "not closed: cleaned");
    assert_eq!(must(&pool, 2, 1).await.serial, second, "still on its shelf");
    assert_eq!(world.attempts.load(SeqCst), 2);
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_full_pool_closes_the_least_recently_used_of_another_target() {
    let (pool, world) = pool(2);
    visit(&pool, 1, 101).await;
    let kept = visit(&pool, 2, 102).await;
    must(&pool, 3, 103).await;
    rest().await;
    assert_eq!(must(&pool, 2, 102).await.serial, kept);
    assert_eq!(world.closes.load(SeqCst), 1);
    assert_eq!(world.peak.load(SeqCst), 2);
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_the_same_target_is_taken_before_one_of_another_is_closed() {
    let (pool, world) = pool(2);
    let elsewhere = visit(&pool, 1, 101).await;
    let shelf = visit(&pool, 2, 1).await;
    assert_eq!(must(&pool, 3, 1).await.serial, shelf);
    rest().await;
    assert_eq!(must(&pool, 1, 101).await.serial, elsewhere);
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn the_cap_holds_and_others_are_served_around_it() {
    let (pool, world) = with_limits(limits(4, 2));
    let held = (must(&pool, 1, 1).await, must(&pool, 1, 1).await);
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, Some(1), 1, in_secs(5)).await.map(drop) }
    });
    rest().await;
    assert_eq!(pool.status().waiting, 1);
    let others = (must(&pool, 2, 1).await, must(&pool, 3, 1).await);
    let late = take(&pool, Some(1), 1, in_secs(2)).await;
    assert!(matches!(late, Err(Error::TenantTimedOut)), "{late:?}");
    drop(held.0);
    waits.await.unwrap().unwrap();
    drop((held.1, others));
    rest().await;
    assert_eq!(pool.status().in_use, 0);
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn what_stands_on_a_shelf_counts_and_gives_way() {
    // Its credential was changed, or it has two places: the new target must not wait for the old
    // shelf's time to be over.
    let (pool, world) = with_limits(limits(4, 1));
    visit(&pool, 1, 1).await;
    assert_eq!(pool.status().shelved, 1);
    let other = take(&pool, Some(1), 2, in_secs(1)).await.unwrap();
    assert_eq!(other.target, 2);
    rest().await;
    assert_eq!(pool.status().shelved, 0);
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn central_work_is_under_no_tenants_cap() {
    let (pool, world) = with_limits(limits(3, 1));
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(take(&pool, None, 1, in_secs(1)).await.unwrap());
    }
    let late = take(&pool, None, 1, in_secs(1)).await;
    assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
    drop(held);
    rest().await;
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_full_budget_is_told_from_a_full_tenant() {
    let (pool, world) = with_limits(limits(2, 2));
    let held = (must(&pool, 1, 1).await, must(&pool, 2, 1).await);
    let late = take(&pool, Some(3), 1, in_secs(1)).await;
    assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
    let late = take(&pool, Some(1), 1, in_secs(1)).await;
    assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
    drop(held);
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_over_still_gets_what_is_at_rest() {
    let (pool, world) = pool(1);
    let serial = visit(&pool, 1, 1).await;
    let out = take(&pool, Some(1), 1, tokio::time::Instant::now()).await;
    let out = out.unwrap();
    assert_eq!(out.serial, serial);
    let late = take(&pool, Some(2), 1, tokio::time::Instant::now()).await;
    assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
    assert_eq!(pool.status().waiting, 0);
    world.assert_clean();
}
