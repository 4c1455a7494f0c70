//! What the registry says of a tenant is never newer than its ledger, whoever records last.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tenancy_fleet::run::{Back, Event};

use super::stage::{Stage, run};
use super::{DONE, NOTES, on_every_ground, set};

on_every_ground!(a_record_that_comes_late_is_not_believed);

async fn a_record_that_comes_late_is_not_believed(mut stage: Stage) {
    let ids = stage.tenants(2).await;
    let (fleet, other) = (stage.fleet(), stage.second().await);
    let all = set(&[NOTES, DONE]);
    let ended = Arc::new(AtomicBool::new(false));
    let hear = Arc::clone(&ended);
    let how = run().jobs(1).observe(move |event: &Event<'_>| {
        if matches!(event, Event::Ended { .. }) {
            hear.store(true, Ordering::Relaxed);
        }
    });
    // It has migrated the first tenant, and waits for another to record it with.
    let mut migrating = pin!(fleet.migrate(&all, None, &how));
    std::future::poll_fn(|context| {
        if ended.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        assert!(migrating.as_mut().poll(context).is_pending());
        if ended.load(Ordering::Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    // Somebody takes the tenant back meanwhile, all of the way.
    let report = other
        .rollback(&all, Back::Nothing, &run().only([ids[0].clone()]))
        .await
        .unwrap();
    assert_eq!(report.done, 1, "{report:?}");
    migrating.await.unwrap();
    assert_eq!(stage.ledger(&ids[0]).await, "");
    // The next run must not take the tenant for one that has everything.
    let report = fleet.migrate(&all, None, &run()).await.unwrap();
    assert_eq!((report.done, report.current), (1, 1), "{report:?}");
    assert_eq!(stage.ledger(&ids[0]).await, "1 2");
    stage.end().await;
}
