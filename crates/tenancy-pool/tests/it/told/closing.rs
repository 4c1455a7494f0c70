//! Shutdown: of the pool, and of the runtimes that it works on.

use std::time::Duration;

use tenancy_pool::{Error, Want};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::world::{Mood, World, limits, pool, quiet, soon, take};

#[tokio::test(start_paused = true)]
async fn close_waits_for_what_is_out_and_refuses_the_rest() {
    let (pool, world) = pool(limits(2));
    drop(take(&pool, "b", "y").await.unwrap());
    quiet(&pool).await;
    let held = (
        take(&pool, "a", "x").await.unwrap(),
        take(&pool, "c", "x").await.unwrap(),
    );
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, "d", "x").await.map(drop) }
    });
    while pool.status().waiting == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let dropped = timeout(Duration::from_millis(50), pool.close()).await;
    assert!(dropped.is_err());
    assert!(matches!(waits.await.unwrap(), Err(Error::Closed)));
    assert!(matches!(take(&pool, "a", "x").await, Err(Error::Closed)));
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { tokio::join!(pool.close(), pool.close()) }
    });
    sleep(Duration::from_millis(50)).await;
    assert!(!closing.is_finished());
    let cleans = World::count(&world.cleans);
    drop(held);
    closing.await.unwrap();
    assert_eq!((World::count(&world.live), pool.status().size), (0, 0));
    assert_eq!(World::count(&world.cleans), cleans, "closed, not cleaned");
    assert_eq!((pool.status().tenants, pool.status().targets), (0, 0));
    pool.close().await;
}

#[tokio::test(start_paused = true)]
async fn close_ends_while_a_connection_is_being_made() {
    let (pool, world) = pool(limits(2));
    world.mood("x", Mood::Hangs);
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, "a", "x").await.map(drop) }
    });
    sleep(Duration::from_millis(10)).await;
    pool.close().await;
    assert!(matches!(waits.await.unwrap(), Err(Error::Closed)));
    assert_eq!(World::count(&world.live), 0);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn without_a_runtime_it_says_so() {
    let (pool, _) = pool(limits(2));
    let want = Want {
        tenant: None,
        target: &"x",
        clean_will_do: false,
    };
    let got = futures_util::FutureExt::now_or_never(pool.checkout(want, soon()));
    assert!(matches!(got, Some(Err(Error::NoRuntime))));
}

#[test]
fn dropped_outside_its_runtime_it_is_cleaned_on_it() {
    let (pool, world) = pool(limits(2));
    let runtime = runtime();
    let held = runtime.block_on(take(&pool, "a", "x")).unwrap();
    drop(held);
    runtime.block_on(quiet(&pool));
    assert_eq!((pool.status().idle, World::count(&world.cleans)), (1, 1));
}

#[test]
fn dropped_after_its_runtime_has_ended_its_place_is_free() {
    let (pool, world) = pool(limits(1));
    for _ in 0..3 {
        let runtime = runtime();
        let held = runtime.block_on(take(&pool, "a", "x")).unwrap();
        drop(runtime);
        drop(held);
        assert_eq!((pool.status().size, World::count(&world.live)), (0, 0));
    }
}

#[test]
fn a_runtime_that_ends_with_tasks_in_all_states_takes_no_place_with_it() {
    let (pool, world) = pool(limits(4));
    world.mood("hangs", Mood::Hangs);
    let first = runtime();
    first.block_on(async {
        let held = (
            take(&pool, "a", "x").await.unwrap(),
            take(&pool, "b", "x").await.unwrap(),
        );
        for at in 0..2000 {
            let pool = pool.clone();
            let target = ["hangs", "x", "y", "z"][at % 4];
            tokio::spawn(async move { take(&pool, &format!("t{at}"), target).await.map(drop) });
        }
        while pool.status().waiting < 1500 {
            tokio::task::yield_now().await;
        }
        *world.clean_mood.lock().unwrap() = Mood::Hangs;
        drop(held);
        tokio::task::yield_now().await;
    });
    drop(first);
    *world.clean_mood.lock().unwrap() = Mood::Fine;
    assert_eq!(pool.status().waiting, 0);
    assert_eq!(pool.status().in_use, 0);
    let second = runtime();
    second.block_on(async {
        let mut held = Vec::new();
        for at in 0..4 {
            held.push(take(&pool, &format!("n{at}"), "x").await.unwrap());
        }
        drop(held);
        quiet(&pool).await;
        pool.close().await;
    });
    assert_eq!(World::count(&world.live), 0);
}

#[test]
fn two_runtimes_share_a_pool_and_one_may_end() {
    let (pool, world) = pool(limits(2));
    let (one, two) = (runtime(), runtime());
    drop(one.block_on(take(&pool, "a", "x")).unwrap());
    one.block_on(quiet(&pool));
    drop(one);
    two.block_on(async {
        for at in 0..10 {
            drop(take(&pool, &format!("t{at}"), "x").await.unwrap());
        }
        quiet(&pool).await;
        // The maintenance of the first runtime is gone, and was started again here.
        pool.close().await;
    });
    assert_eq!(World::count(&world.live), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_dropped_drops_its_connections_and_its_tasks() {
    let (pool, world) = pool(limits(2));
    let held = take(&pool, "a", "x").await.unwrap();
    drop(take(&pool, "b", "x").await.unwrap());
    quiet_but_one(&pool).await;
    drop(pool);
    assert!(World::count(&world.live) >= 1);
    drop(held);
    while World::count(&world.live) > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    while tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
        > 0
    {
        sleep(Duration::from_millis(1)).await;
    }
}

async fn quiet_but_one(pool: &super::world::FakePool) {
    while pool.status().in_use > 1 {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Each connection that can't be begun on a runtime that ends leads to the next one: one after the
/// other, not one inside the other.
#[test]
fn a_runtime_that_ends_with_thousands_of_targets_waiting_does_not_overflow_the_stack() {
    let (pool, world) = pool(limits(1));
    world.mood("hangs", Mood::Hangs);
    let runtime = runtime();
    runtime.block_on(async {
        // First, so that its task is the first to end.
        let mut first = Box::pin(take(&pool, "first", "hangs"));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        for at in 0..10_000 {
            let pool = pool.clone();
            let target: &'static str = format!("target-{at}").leak();
            tokio::spawn(async move {
                let want = Want {
                    tenant: None,
                    target: &target,
                    clean_will_do: true,
                };
                pool.checkout(want, soon()).await.map(drop)
            });
        }
        while pool.status().waiting < 10_001 {
            tokio::task::yield_now().await;
        }
    });
    drop(runtime);
    let status = pool.status();
    assert_eq!((status.size, status.waiting), (0, 0));
}
