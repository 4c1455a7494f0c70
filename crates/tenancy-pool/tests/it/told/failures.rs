//! What fails beside what still works.

use std::time::Duration;

use tenancy_pool::Error;
use tokio::time::sleep;

use super::world::{Mood, limits, pool, quiet, take};

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_beside_open_connections_sends_nobody_away() {
    let (pool, world) = pool(limits(4));
    let held = take(&pool, "a", "x").await.unwrap();
    world.mood("x", Mood::Fails);
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, "b", "x").await.map(drop) }
    });
    sleep(Duration::from_secs(3)).await;
    assert!(!waits.is_finished());
    drop(held);
    waits.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn panics_anywhere_lose_no_place() {
    let (pool, world) = pool(limits(2));
    for mood in [&world.clean_mood, &world.bind_mood, &world.ping_mood] {
        drop(take(&pool, "a", "x").await.unwrap());
        quiet(&pool).await;
        *mood.lock().unwrap() = Mood::Panics;
        pool.suspect(&"x");
        drop(take(&pool, "a", "x").await.unwrap());
        quiet(&pool).await;
        *mood.lock().unwrap() = Mood::Fine;
    }
    let all = tokio::join!(take(&pool, "a", "x"), take(&pool, "b", "x"));
    assert!(all.0.is_ok() && all.1.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_hanging_target_keeps_one_place_while_others_are_served() {
    let (pool, world) = pool(limits(3));
    world.mood("hangs", Mood::Hangs);
    let stuck: Vec<_> = (0..100)
        .map(|at| {
            let pool = pool.clone();
            tokio::spawn(async move { take(&pool, &format!("h{at}"), "hangs").await.map(drop) })
        })
        .collect();
    sleep(Duration::from_millis(10)).await;
    for at in 0..1000 {
        drop(take(&pool, &format!("t{at}"), "x").await.unwrap());
        assert!(world.live_at("hangs") <= 1);
    }
    for task in stuck {
        let got = task.await.unwrap();
        assert!(matches!(got, Err(Error::ConnectTimedOut)));
    }
}
