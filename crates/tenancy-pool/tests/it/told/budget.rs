//! The budget, the cap, and what a wait ends with.

use std::time::Duration;

use tenancy_pool::{Error, Want};
use tokio::time::Instant;

use super::world::{World, limits, pool, quiet, soon, take, take_until, tenant};

#[tokio::test(start_paused = true)]
async fn the_budget_is_never_exceeded() {
    let (pool, world) = pool(limits(5));
    let mut tasks = Vec::new();
    for at in 0..400_u32 {
        let pool = pool.clone();
        tasks.push(tokio::spawn(async move {
            let target = ["a", "b", "c", "d"][at as usize % 4];
            let held = take(&pool, &format!("t{}", at % 40), target).await.unwrap();
            tokio::time::sleep(Duration::from_millis(u64::from(at % 7))).await;
            assert!(pool.status().size <= 5);
            drop(held);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(!world.over_budget.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(World::count(&world.peak), 5);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_free_only_some_time_after_its_connection_was_closed() {
    let (pool, world) = pool(limits(1));
    let mut held = take(&pool, "a", "x").await.unwrap();
    held.spoil();
    drop(held);
    while World::count(&world.live) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.status().size, 1);
    quiet(&pool).await;
    assert_eq!(pool.status().size, 0);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_at_its_cap_waits_and_others_go_round_it() {
    let (pool, _) = pool(limits(4));
    let one = take(&pool, "a", "x").await.unwrap();
    let _two = take(&pool, "a", "x").await.unwrap();
    let now = Instant::now();
    let third = take_until(&pool, "a", "x", now + Duration::from_millis(100));
    let (third, other) = tokio::join!(third, take(&pool, "b", "x"));
    assert!(matches!(third, Err(Error::TenantTimedOut)));
    assert!(other.is_ok());
    drop(one);
    assert!(take(&pool, "a", "x").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn central_work_has_no_cap() {
    let (pool, _) = pool(limits(4));
    let mut held = Vec::new();
    for _ in 0..4 {
        let want = Want {
            tenant: None,
            target: &"x",
            clean_will_do: true,
        };
        held.push(pool.checkout(want, soon()).await.unwrap());
    }
    assert_eq!(pool.status().in_use, 4);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_deadline_and_says_what_it_waited_for() {
    let (pool, _) = pool(limits(2));
    let held = (
        take(&pool, "a", "x").await.unwrap(),
        take(&pool, "b", "x").await.unwrap(),
    );
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(2500);
    let late = take_until(&pool, "c", "x", deadline).await;
    assert!(matches!(late, Err(Error::TimedOut)));
    assert_eq!(begun.elapsed(), Duration::from_millis(2500));
    assert_eq!(pool.status().waiting, 0);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_at_its_cap_by_what_rests_at_another_target_gives_that_up() {
    let (pool, _) = pool(limits(4));
    drop((
        take(&pool, "a", "x").await.unwrap(),
        take(&pool, "a", "x").await.unwrap(),
    ));
    quiet(&pool).await;
    assert_eq!(pool.status().shelved, 2);
    let begun = Instant::now();
    let _moved = take(&pool, "a", "y").await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn entries_do_not_grow_with_the_number_of_tenants() {
    let (pool, _) = pool(limits(8));
    let mut peak = 0;
    for at in 0..100_000_u32 {
        let held = take(&pool, &format!("t{at}"), "x").await.unwrap();
        peak = peak.max(pool.status().tenants);
        drop(held);
    }
    assert!(peak <= 9, "{peak} tenants are remembered");
    pool.evict(&tenant("never-seen"));
    pool.suspect(&"never-seen");
    assert!(pool.status().tenants <= 8);
    assert_eq!(pool.status().targets, 1);
    let late = Instant::now();
    let _ = take_until(&pool, "too-late", "elsewhere", late).await;
    quiet(&pool).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!((pool.status().tenants, pool.status().targets), (0, 0));
}
