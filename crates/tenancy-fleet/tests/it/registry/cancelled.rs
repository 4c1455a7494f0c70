//! A change that is dropped at any poll is made as a whole or not at all.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tenancy_core::{Placement, Strategy};
use tenancy_fleet::registry::{Change, Expected, NewTenant, Provisioning};

use super::side::Side;
use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(
    an_update_that_is_dropped_is_whole_or_nothing,
    a_creation_that_is_dropped_is_whole_or_nothing,
);

/// Polls at most this often, and drops it then. Whether it came to its end.
pub(crate) async fn polled<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// One statement, so that it sees one moment: tenants whose parts contradict each other.
const TORN: &str = "SELECT count(*) FROM tenancy_tenant AS t WHERE \
     t.revision <> (SELECT count(*) FROM tenancy_audit AS a WHERE a.tenant_id = t.id) \
     OR t.revision - 1 <> (SELECT count(*) FROM tenancy_domain AS d WHERE d.tenant_id = t.id) \
     OR (t.revision > 1) <> (t.placed = 1) OR t.notice IS NULL";

async fn torn(side: &mut Side) -> i64 {
    side.number(TORN).await
}

async fn an_update_that_is_dropped_is_whole_or_nothing(stage: Stage) {
    let registry = stage.builder().max_connections(2).install().await.unwrap();
    let new = NewTenant::new(id("acme"), Strategy::DatabasePerTenant);
    registry.create(new, &ada()).await.unwrap();
    let mut side = stage.side().await;
    let mut ended = 0;
    let mut polls = 0;
    while ended < 3 {
        polls += 1;
        let change = Change::add_domain(domain(&format!("d{polls}.example")))
            .and(Change::placement(Placement::database("d1")))
            .and(Change::provisioning(Provisioning::Ready));
        let (acme, ada) = (id("acme"), ada());
        let update = registry.update(&acme, Expected::Any, change, &ada);
        if let Some(result) = polled(polls, update).await {
            result.unwrap();
            ended += 1;
        }
        assert_eq!(torn(&mut side).await, 0, "after {polls} polls");
    }
    assert!(polls > 5, "it was dropped in its middle");
    // Nobody holds a connection or a lock.
    let last = Change::add_domain(domain("last.example"));
    registry
        .update(&id("acme"), Expected::Any, last, &ada())
        .await
        .unwrap();
    assert_eq!(torn(&mut side).await, 0);
}

async fn a_creation_that_is_dropped_is_whole_or_nothing(stage: Stage) {
    let registry = stage.builder().max_connections(2).install().await.unwrap();
    let mut side = stage.side().await;
    let mut ended = 0;
    let mut polls = 0;
    let whole = "SELECT count(*) FROM tenancy_tenant AS t WHERE t.placed <> 1 OR t.notice IS NULL \
                 OR 1 <> (SELECT count(*) FROM tenancy_audit AS a WHERE a.tenant_id = t.id) \
                 OR 1 <> (SELECT count(*) FROM tenancy_domain AS d WHERE d.tenant_id = t.id)";
    while ended < 3 {
        polls += 1;
        let tenant = format!("t{polls}");
        let place = Placement::database(&tenant);
        let new =
            NewTenant::placed(id(&tenant), place).domain(domain(&format!("{tenant}.example")));
        if let Some(result) = polled(polls, registry.create(new.clone(), &ada())).await {
            result.unwrap();
            ended += 1;
        }
        assert_eq!(side.number(whole).await, 0, "after {polls} polls");
        // It is there as a whole, or can be made now.
        let again = registry.create(new, &ada()).await;
        assert!(again.is_ok() || registry.get(&id(&tenant)).await.unwrap().is_some());
    }
    assert_eq!(side.number(whole).await, 0);
}
