//! The end of a pool.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tenancy_pool::Error;

use crate::fake::{Mode, in_secs, must, pool, rest, take, visit};

#[tokio::test(start_paused = true)]
async fn it_waits_for_those_that_are_out() {
    let (pool, world) = pool(3);
    visit(&pool, 1, 1).await;
    let out = must(&pool, 2, 101).await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    rest().await;
    assert!(!closing.is_finished());
    assert_eq!(
        (pool.status().size, pool.status().idle),
        (1, 0),
        "the idle one is closed"
    );
    let refused = take(&pool, Some(1), 1, in_secs(1)).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    drop(out);
    closing.await.unwrap();
    assert_eq!(
        (pool.status().size, world.live(), world.closes.load(SeqCst)),
        (0, 0, 2)
    );
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_told() {
    let (pool, world) = pool(1);
    let out = must(&pool, 1, 1).await;
    let waits: Vec<_> = (0..100)
        .map(|who| {
            let pool = pool.clone();
            tokio::spawn(async move { take(&pool, Some(who), 1, in_secs(60)).await })
        })
        .collect();
    rest().await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    for task in waits {
        let outcome = task.await.unwrap();
        assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
    }
    drop(out);
    closing.await.unwrap();
    assert_eq!((pool.status().waiting, world.live()), (0, 0));
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn it_may_be_called_twice_and_dropped_midway() {
    let (pool, world) = pool(2);
    let out = must(&pool, 1, 1).await;
    assert!(
        tokio::time::timeout(Duration::from_secs(1), pool.close())
            .await
            .is_err()
    );
    let twice = tokio::spawn({
        let pool = pool.clone();
        async move { tokio::join!(pool.close(), pool.close()) }
    });
    rest().await;
    drop(out);
    twice.await.unwrap();
    pool.close().await;
    assert_eq!((pool.status().size, world.live()), (0, 0));
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_made_is_closed_too() {
    let (pool, world) = pool(2);
    world.connect_mode(1, Mode::Hangs);
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, Some(1), 1, in_secs(60)).await.map(drop) }
    });
    rest().await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    rest().await;
    assert!(matches!(waits.await.unwrap(), Err(Error::Closed)));
    world.connect_mode(1, Mode::Works);
    closing.await.unwrap();
    assert_eq!((pool.status().size, world.live()), (0, 0));
    world.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_only_dropped_leaves_nothing() {
    let (pool, world) = pool(3);
    visit(&pool, 1, 1).await;
    let out = must(&pool, 2, 1).await;
    drop(pool);
    assert!(world.live() > 0, "what is out goes on");
    drop(out);
    rest().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.live(), 0);
    world.assert_clean();
}
