//! Whose turn it is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::fake::{FakePool, assert_at_rest, in_secs, limits, must, pool, rest, take, with_limits};

type Log = Arc<Mutex<Vec<u32>>>;

fn queue(pool: &FakePool, log: &Log, who: u32, target: u32) -> tokio::task::JoinHandle<()> {
    let (pool, log) = (pool.clone(), Arc::clone(log));
    tokio::spawn(async move {
        let out = take(&pool, Some(who), target, in_secs(3600)).await.unwrap();
        log.lock().unwrap().push(who);
        // Long enough for others' connections to be closed and made meanwhile.
        tokio::time::sleep(Duration::from_millis(2)).await;
        drop(out);
    })
}

#[tokio::test(start_paused = true)]
async fn one_waiter_is_not_behind_a_thousand_of_another() {
    let (pool, world) = pool(1);
    let log = Log::default();
    let held = must(&pool, 9, 1).await;
    let mut tasks = Vec::new();
    for _ in 0..1_000 {
        tasks.push(queue(&pool, &log, 1, 1));
    }
    rest().await;
    tasks.push(queue(&pool, &log, 2, 1));
    rest().await;
    assert_eq!(pool.status().waiting, 1_001);
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    let at = log.lock().unwrap().iter().position(|who| *who == 2);
    assert!(at.is_some_and(|at| at <= 1), "served as number {at:?}");
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn turns_go_round() {
    let (pool, world) = pool(1);
    let log = Log::default();
    let held = must(&pool, 9, 1).await;
    let mut tasks = Vec::new();
    for who in [1, 2, 3] {
        for _ in 0..20 {
            tasks.push(queue(&pool, &log, who, 1));
        }
    }
    rest().await;
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    for turn in log.lock().unwrap().chunks(3) {
        let mut turn = turn.to_vec();
        turn.sort_unstable();
        assert_eq!(turn, [1, 2, 3]);
    }
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_busy_target_starves_no_other() {
    let (pool, world) = pool(2);
    let log = Log::default();
    let held = (must(&pool, 8, 1).await, must(&pool, 9, 1).await);
    let mut tasks = Vec::new();
    for _ in 0..200 {
        for who in [1, 2] {
            tasks.push(queue(&pool, &log, who, 1));
        }
    }
    rest().await;
    tasks.push(queue(&pool, &log, 7, 107));
    rest().await;
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    let at = log.lock().unwrap().iter().position(|who| *who == 7);
    // A place is made for it in time, though another is to be closed and its own to be made.
    assert!(at.is_some_and(|at| at < 60), "served as number {at:?}");
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn databases_of_a_thousand_tenants_share_a_small_budget() {
    let (pool, world) = with_limits(limits(5, 3));
    let log = Log::default();
    let tasks: Vec<_> = (0..1_000)
        .flat_map(|who| {
            [
                queue(&pool, &log, who, 100 + who),
                queue(&pool, &log, who, 100 + who),
            ]
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(log.lock().unwrap().len(), 2_000);
    rest().await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_at_its_cap_with_a_thousand_waiters_closes_nobodys_connections() {
    let (pool, world) = with_limits(limits(4, 2));
    let log = Log::default();
    let polite = must(&pool, 2, 1).await;
    let (a, b) = (must(&pool, 1, 101).await, must(&pool, 1, 101).await);
    let mut tasks = Vec::new();
    for _ in 0..1_000 {
        tasks.push(queue(&pool, &log, 1, 101));
    }
    let serial = polite.serial;
    drop(polite);
    rest().await;
    assert_eq!(must(&pool, 2, 1).await.serial, serial);
    drop((a, b));
    for task in tasks {
        task.await.unwrap();
    }
    rest().await;
    assert_eq!(must(&pool, 2, 1).await.serial, serial);
    rest().await;
    assert_at_rest(&pool, &world);
}
