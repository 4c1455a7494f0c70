//! A caller may be dropped at any await: nothing is lost, and nobody waits for the dead.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::fake::{
    Mode, assert_at_rest, in_secs, limits, must, pool, rest, take, visit, with_limits,
};

/// Polls this often, letting everything else run in between, and drops it then.
async fn drop_after<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test(start_paused = true)]
async fn a_checkout_dropped_at_any_poll_loses_nothing() {
    for polls in 0..12 {
        let (pool, world) = pool(1);
        drop(drop_after(polls, take(&pool, Some(1), 1, in_secs(10))).await);
        drop(drop_after(polls, take(&pool, Some(2), 2, in_secs(10))).await);
        let held = must(&pool, 3, 1).await;
        drop(drop_after(polls, take(&pool, Some(4), 1, in_secs(10))).await);
        drop(held);
        drop(drop_after(polls, take(&pool, Some(4), 1, in_secs(10))).await);
        rest().await;
        visit(&pool, 5, 1).await;
        assert_at_rest(&pool, &world);
    }
}

#[tokio::test(start_paused = true)]
async fn a_grant_to_one_who_has_left_goes_to_the_next() {
    for left in [0, 1, 2, 3] {
        let (pool, world) = pool(1);
        let held = must(&pool, 9, 1).await;
        let serial = held.serial;
        // Polled once by hand: they are in the queue, and never look at what they are sent.
        let mut dead: Vec<_> = (0..4)
            .map(|who| Box::pin(take(&pool, Some(who), 1, in_secs(60))))
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        for waiter in &mut dead {
            assert!(waiter.as_mut().poll(&mut context).is_pending());
        }
        let alive = tokio::spawn({
            let pool = pool.clone();
            async move {
                take(&pool, Some(7), 1, in_secs(60))
                    .await
                    .map(|out| out.serial)
            }
        });
        rest().await;
        // Some leave before the grant, the others with it in their hands.
        dead.drain(..left);
        drop(held);
        rest().await;
        drop(dead);
        assert_eq!(alive.await.unwrap().unwrap(), serial);
        rest().await;
        assert_at_rest(&pool, &world);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_leave_at_once_are_gone() {
    let (pool, world) = with_limits(limits(2, 2));
    let held = must(&pool, 1, 1).await;
    let other = must(&pool, 1, 2).await;
    let tasks: Vec<_> = (0..1_000)
        .map(|who| {
            let pool = pool.clone();
            tokio::spawn(async move {
                take(&pool, Some(who % 10), who % 3, in_secs(60))
                    .await
                    .map(drop)
            })
        })
        .collect();
    rest().await;
    for task in &tasks {
        task.abort();
    }
    rest().await;
    assert_eq!(pool.status().waiting, 0);
    drop((held, other));
    rest().await;
    visit(&pool, 5, 1).await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_with_a_connection_gives_it_back() {
    let (pool, world) = pool(1);
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let _out = must(&pool, 1, 1).await;
            panic!("the handler's own");
        }
    });
    assert!(task.await.is_err());
    rest().await;
    visit(&pool, 2, 1).await;
    assert_at_rest(&pool, &world);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_while_another_shelf_is_cleaned_for_it_loses_nothing() {
    let (pool, world) = pool(1);
    let serial = visit(&pool, 1, 1).await;
    world.change(|modes| modes.clean = Mode::Hangs);
    let left = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, Some(2), 1, in_secs(60)).await.map(drop) }
    });
    rest().await;
    left.abort();
    rest().await;
    world.change(|modes| modes.clean = Mode::Works);
    rest().await;
    assert_eq!(visit(&pool, 3, 1).await, serial);
    assert_at_rest(&pool, &world);
}
