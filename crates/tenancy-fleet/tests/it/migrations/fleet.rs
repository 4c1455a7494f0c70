//! Many tenants: some in trouble, two programs at once, and nothing to do.

use std::collections::BTreeMap;

use futures_util::future::join;
use tenancy_core::TenantId;
use tenancy_fleet::Fleet;
use tenancy_fleet::registry::Registry;
use tenancy_fleet::run::Outcome;
use tenancy_testkit::proxy::Proxy;

use super::stage::{Stage, run};
use super::{DONE, Heard, NOTES, TAGS, on_every_ground, set};

on_every_ground!(
    four_in_trouble_are_named_and_the_rest_is_done,
    two_programs_at_once_do_each_tenant_once,
);

async fn four_in_trouble_are_named_and_the_rest_is_done(mut stage: Stage) {
    let count = if stage.is_schemas() { 200 } else { 12 };
    let ids = stage.tenants(count).await;
    let fleet = stage.fleet();
    let report = fleet.migrate(&set(&[NOTES]), None, &run()).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    let (clash, gone, held) = ([&ids[3], &ids[7]], &ids[5], &ids[9]);
    for id in clash {
        stage.run_inside(id, "CREATE TABLE tags (id INTEGER)").await;
    }
    stage.unmake(gone).await;
    let mut holder = stage.hold(held).await;
    holder.run("SELECT 1").await;
    let all = set(&[NOTES, DONE, TAGS]);
    let heard = Heard::default();
    let how = run().jobs(4).observe(heard.observer());
    let report = fleet.migrate(&all, None, &how).await.unwrap();
    let healthy = u64::try_from(count).unwrap() - 4;
    assert_eq!(
        (report.done, report.current, report.not_tried),
        (healthy, 0, 0)
    );
    assert_eq!(heard.all().len(), count);
    let mut failed = report.failed.clone();
    failed.sort_by(|one, other| one.tenant.cmp(&other.tenant));
    let names: Vec<_> = failed.iter().map(|failure| &failure.tenant).collect();
    assert_eq!(names, [clash[0], gone, clash[1], held]);
    assert!(failed[0].reason.contains("migration 3"), "{failed:?}");
    assert!(failed[1].reason.contains("is not there"), "{failed:?}");
    assert!(
        failed[3].reason.contains("too long") || failed[3].reason.contains("at work"),
        "{failed:?}"
    );
    holder.close().await;
    stage.make(gone).await;
    for id in clash {
        stage.run_inside(id, "DROP TABLE tags").await;
    }
    let heard = Heard::default();
    let how = run().observe(heard.observer());
    let report = fleet.migrate(&all, None, &how).await.unwrap();
    assert_eq!((report.done, report.current), (4, healthy), "{report:?}");
    let again: Vec<_> = heard.all().into_iter().map(|(id, _)| id).collect();
    assert_eq!(again.iter().collect::<Vec<_>>(), names);
    let report = fleet.migrate(&all, None, &run().everyone()).await.unwrap();
    assert_eq!((report.done, report.current), (0, healthy + 4));
    stage.end().await;
}

async fn two_programs_at_once_do_each_tenant_once(mut stage: Stage) {
    let count = if stage.is_schemas() { 40 } else { 8 };
    let ids = stage.tenants(count).await;
    let (one, two) = (stage.fleet(), stage.second().await);
    // Applied twice, it would fail, or leave two rows.
    let all = set(&[
        NOTES,
        (2, "INSERT INTO notes (id, title) VALUES (1, 'once')", None),
        TAGS,
    ]);
    let heard = Heard::default();
    let how = || {
        // However slow the servers are.
        let patience = std::time::Duration::from_mins(1);
        let limits = tenancy_fleet::migrations::Limits::default().lock(patience);
        run().limits(limits).jobs(3).observe(heard.observer())
    };
    let (how_one, how_two) = (how(), how());
    let (first, second) = join(
        one.migrate(&all, None, &how_one),
        two.migrate(&all, None, &how_two),
    )
    .await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(
        first.is_whole() && second.is_whole(),
        "{first:?} {second:?}"
    );
    // MariaDB commits each migration alone: there, one program may go on where the other is.
    let mut moved: BTreeMap<TenantId, Vec<i64>> = BTreeMap::new();
    for (id, outcome) in heard.all() {
        if let Outcome::Moved { versions, .. } = outcome {
            moved.entry(id).or_default().extend(versions);
        }
    }
    for versions in moved.values_mut() {
        versions.sort_unstable();
    }
    let each = ids.iter().map(|id| (id.clone(), vec![1, 2, 3]));
    assert_eq!(moved, each.collect(), "each once");
    for id in &ids {
        assert_eq!(stage.ledger(id).await, "1 2 3");
    }
    // Both recorded: nobody has to be looked at again.
    let report = one.migrate(&all, None, &run()).await.unwrap();
    assert_eq!(
        (report.done, report.current),
        (0, u64::try_from(count).unwrap())
    );
    stage.end().await;
}

/// However many tenants there are, a run with nothing to do asks the registry once, and their
/// servers nothing.
#[tokio::test]
async fn nothing_to_do_is_one_query() {
    let mut stage = Stage::schemas().await;
    let all = set(&[NOTES]);
    let mut trips = Vec::new();
    for count in [2_usize, 30] {
        for at in 0..count {
            stage.tenant(&format!("n{count}-{at}")).await;
        }
        stage.fleet().migrate(&all, None, &run()).await.unwrap();
        let url = stage.side_url();
        let proxy = Proxy::in_front_of(stage.server().await).unwrap();
        let registry = Registry::builder(proxy.url(&url).unwrap());
        let fleet = Fleet::new(registry.connect().await.unwrap(), stage.site.clone());
        proxy.reset();
        let report = fleet.migrate(&all, None, &run()).await.unwrap();
        assert!(report.is_whole() && report.done == 0);
        trips.push(proxy.trips());
    }
    assert_eq!(trips[0], trips[1]);
    // Seen to be alive, prepared, asked.
    assert!(trips[0] <= 4, "{trips:?}");
}
