//! No growth: an entry stands for a connection or a waiter, and goes with it.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::SeqCst;

use tenancy_pool::Want;

use crate::fake::{Mode, OWN, Place, assert_at_rest, in_secs, limits, rest, tenant, with_limits};

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_tenants_leave_no_more_entries_than_connections() {
    let (pool, world) = with_limits(limits(20, 2));
    let count = Arc::new(AtomicI64::new(0));
    let mut most = 0;
    for number in 0..100_000 {
        let place = Place::counted(OWN + number, &count);
        let who = tenant(number);
        let want = Want {
            tenant: Some(&who),
            target: &place,
            clean_will_do: number % 2 == 0,
        };
        drop(pool.checkout(want, in_secs(10)).await.unwrap());
        drop(place);
        most = most.max(count.load(SeqCst));
        let status = pool.status();
        assert!(status.tenants <= 20 && status.targets <= 20, "{status:?}");
    }
    // A few copies for each connection there is, whatever they are kept for.
    assert!(most <= 20 * 8, "{most} copies of targets at once");
    rest().await;
    assert_at_rest(&pool, &world);
    pool.close().await;
    assert_eq!((pool.status().tenants, pool.status().targets), (0, 0));
    assert_eq!(count.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn those_who_only_waited_or_failed_leave_none() {
    let (pool, world) = with_limits(limits(2, 2));
    let count = Arc::new(AtomicI64::new(0));
    let held = [
        crate::fake::must(&pool, 1, 1).await,
        crate::fake::must(&pool, 2, 1).await,
    ];
    for number in 0..2_000 {
        let place = Place::counted(OWN + number, &count);
        let who = tenant(number + 10);
        let want = Want {
            tenant: Some(&who),
            target: &place,
            clean_will_do: false,
        };
        let now = tokio::time::Instant::now();
        assert!(pool.checkout(want, now).await.is_err());
    }
    assert_eq!(count.load(SeqCst), 0);
    assert_eq!((pool.status().tenants, pool.status().targets), (2, 1));
    drop(held);
    rest().await;
    for number in 0..200 {
        world.connect_mode(OWN + number, Mode::Fails);
        let place = Place::counted(OWN + number, &count);
        let who = tenant(number + 10);
        let want = Want {
            tenant: Some(&who),
            target: &place,
            clean_will_do: false,
        };
        assert!(pool.checkout(want, in_secs(5)).await.is_err());
    }
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(count.load(SeqCst), 0);
    assert_at_rest(&pool, &world);
}
