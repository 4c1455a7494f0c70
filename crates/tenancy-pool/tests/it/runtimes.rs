//! Runtimes that are not there, or not any more.

use std::time::Duration;

use tenancy_pool::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use crate::fake::{FakePool, Mode, World, at, in_secs, must, pool, take, tenant};

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Waits until everything has come back.
async fn settled(pool: &FakePool, world: &World) {
    for _ in 0..2_000 {
        let status = pool.status();
        if status.in_use == 0 && status.waiting == 0 && world.live() == status.size {
            return world.assert_clean();
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}, {} live", pool.status(), world.live());
}

#[test]
fn without_a_runtime_nothing_is_handed_out() {
    let (pool, _world) = pool(1);
    let who = tenant(1);
    let want = tenancy_pool::Want {
        tenant: Some(&who),
        target: &at(1),
        clean_will_do: false,
    };
    let mut checkout = std::pin::pin!(pool.checkout(want, in_secs(1)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let outcome = checkout.as_mut().poll(&mut context);
    assert!(matches!(
        outcome,
        std::task::Poll::Ready(Err(Error::NoRuntime))
    ));
}

#[test]
fn a_checkout_dropped_outside_a_runtime_is_cleaned_on_its_own() {
    let (pool, world) = pool(1);
    let runtime = runtime();
    let out = runtime.block_on(must(&pool, 1, 1));
    let serial = out.serial;
    std::thread::spawn(move || drop(out)).join().unwrap();
    runtime.block_on(async {
        let next = must(&pool, 2, 1).await;
        assert_eq!(next.serial, serial);
        drop(next);
        settled(&pool, &world).await;
    });
}

#[test]
fn a_checkout_that_outlives_its_runtime_gives_its_place_back() {
    let (pool, world) = pool(1);
    let gone = runtime();
    let out = gone.block_on(must(&pool, 1, 1));
    gone.shutdown_timeout(Duration::from_secs(5));
    drop(out);
    assert_eq!((pool.status().size, world.live()), (0, 0));
    let next = runtime();
    next.block_on(async {
        drop(must(&pool, 1, 1).await);
        settled(&pool, &world).await;
    });
}

#[test]
fn a_runtime_that_ends_amid_everything_takes_no_place_with_it() {
    for mode in [Mode::Works, Mode::Hangs] {
        let (pool, world) = pool(3);
        let gone = runtime();
        world.connect_mode(2, Mode::Hangs);
        let held = gone.block_on(must(&pool, 1, 1));
        gone.block_on(async {
            world.change(|modes| modes.clean = mode);
            drop(must(&pool, 1, 1).await);
            for who in 0..200 {
                let pool = pool.clone();
                tokio::spawn(async move {
                    take(&pool, Some(who), 1 + who % 3, in_secs(60))
                        .await
                        .map(drop)
                });
            }
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        });
        gone.shutdown_timeout(Duration::from_secs(5));
        drop(held);
        world.connect_mode(2, Mode::Works);
        world.change(|modes| modes.clean = Mode::Works);
        let next = runtime();
        next.block_on(async {
            settled(&pool, &world).await;
            for target in 0..5 {
                drop(must(&pool, 1, target).await);
            }
            settled(&pool, &world).await;
            pool.close().await;
        });
        assert_eq!(world.live(), 0);
        world.assert_clean();
    }
}

#[test]
fn who_waits_on_another_runtime_is_served_when_one_ends() {
    let (pool, world) = pool(1);
    let gone = runtime();
    let stays = runtime();
    let held = gone.block_on(must(&pool, 1, 1));
    let waits = stays.spawn({
        let pool = pool.clone();
        async move { take(&pool, Some(2), 1, in_secs(60)).await.map(drop) }
    });
    stays.block_on(async {
        while pool.status().waiting == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    gone.shutdown_timeout(Duration::from_secs(5));
    drop(held);
    stays.block_on(async {
        waits.await.unwrap().unwrap();
        settled(&pool, &world).await;
    });
}
