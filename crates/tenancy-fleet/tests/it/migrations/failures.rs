//! A migration that fails stops its own tenant, which stays as it was, and says why without a row.

use tenancy_fleet::registry::Change;
use tenancy_fleet::run::{Back, Halt, Outcome, Stop};

use super::stage::{Stage, ada, run};
use super::{DONE, File, Heard, NOTES, TAGS, on_every_ground, set};

on_every_ground!(
    one_that_fails_stops_nobody_and_is_undone,
    a_row_in_the_way_is_not_in_the_report,
    canaries_come_first,
    failures_stop_the_rest_where_asked,
    it_stops_when_told_to,
    without_a_down_nothing_is_undone,
    a_place_that_is_gone_or_anothers_is_named,
    a_held_lock_is_busy_and_hurts_nobody,
);

/// The table of the third is there already in the second of three.
async fn planted(stage: &mut Stage) -> Vec<tenancy_core::TenantId> {
    let ids = stage.tenants(3).await;
    stage
        .run_inside(&ids[1], "CREATE TABLE tags (secret_row INTEGER)")
        .await;
    ids
}

async fn one_that_fails_stops_nobody_and_is_undone(mut stage: Stage) {
    let ids = planted(&mut stage).await;
    let all = set(&[NOTES, DONE, TAGS]);
    let report = stage.fleet().migrate(&all, None, &run()).await.unwrap();
    assert_eq!(
        (report.done, report.failed.len(), report.not_tried),
        (2, 1, 0)
    );
    let failure = &report.failed[0];
    assert_eq!(failure.tenant, ids[1]);
    assert!(
        failure.reason.contains("migration 3") && failure.reason.contains("tags"),
        "{failure:?}"
    );
    assert!(failure.code.is_some());
    // On MariaDB each migration is its own; nowhere is one half there.
    let left = if stage.is_mariadb() { "1 2" } else { "" };
    assert_eq!(stage.ledger(&ids[1]).await, left);
    assert_eq!(
        stage.takes(&ids[1], "SELECT id FROM notes").await,
        stage.is_mariadb()
    );
    assert!(!stage.takes(&ids[1], "SELECT id FROM colours").await);
    let entry = stage.entry(&ids[1]).await;
    assert!(entry.outcome().unwrap().starts_with("failed: migration 3"));
    // The next run does this one alone, and well, once nothing is in its way.
    stage.run_inside(&ids[1], "DROP TABLE tags").await;
    let report = stage.fleet().migrate(&all, None, &run()).await.unwrap();
    assert_eq!((report.done, report.current), (1, 2), "{report:?}");
    assert_eq!(stage.ledger(&ids[1]).await, "1 2 3");
    stage.end().await;
}

async fn a_row_in_the_way_is_not_in_the_report(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    stage
        .fleet()
        .migrate(&set(&[NOTES]), None, &run())
        .await
        .unwrap();
    stage
        .run_inside(&id, "INSERT INTO notes VALUES (1, 'xyzzy'), (2, 'xyzzy')")
        .await;
    for sql in [
        "CREATE UNIQUE INDEX titles ON notes (title)",
        "INSERT INTO notes SELECT id, title FROM notes",
        "INSERT INTO notes (id, title) SELECT 9, CAST(title AS DECIMAL(4)) / 0 FROM notes WHERE title = 'xyzzy'",
    ] {
        let report = stage
            .fleet()
            .migrate(&set(&[NOTES, (2, sql, None)]), None, &run())
            .await
            .unwrap();
        let json = serde_json::to_string(&report).unwrap();
        if report.failed.is_empty() {
            // Some databases divide text by zero.
            let taken = stage.is_sqlite() || stage.is_mariadb();
            assert!(taken && sql.contains("/ 0"), "{json}");
            continue;
        }
        assert!(!json.contains("xyzzy"), "{json}");
        let outcome = stage.entry(&id).await.outcome().unwrap().to_owned();
        assert!(!outcome.contains("xyzzy"), "{outcome}");
        assert_eq!(stage.ledger(&id).await, "1", "{sql}");
    }
    stage.end().await;
}

async fn canaries_come_first(mut stage: Stage) {
    let ids = stage.tenants(4).await;
    stage
        .run_inside(&ids[1], "CREATE TABLE tags (id INTEGER)")
        .await;
    let heard = Heard::default();
    let how = run().canary(2).observe(heard.observer());
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES, DONE, TAGS]), None, &how)
        .await
        .unwrap();
    assert_eq!(
        (report.done, report.failed.len(), report.not_tried),
        (1, 1, 2)
    );
    assert_eq!(report.halted, Some(Halt::Canary));
    let all = heard.all();
    assert_eq!(all.len(), 4, "each has an outcome");
    assert!(matches!(&all[3].1, Outcome::NotTried { reason } if reason.contains("canary")));
    assert!(!stage.takes(&ids[2], "SELECT * FROM _sqlx_migrations").await);
    stage.end().await;
}

async fn failures_stop_the_rest_where_asked(mut stage: Stage) {
    let ids = stage.tenants(5).await;
    for id in &ids[..3] {
        stage.run_inside(id, "CREATE TABLE tags (id INTEGER)").await;
    }
    let how = run().jobs(1).stop_after(2);
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES, DONE, TAGS]), None, &how)
        .await
        .unwrap();
    let numbers = (report.done, report.failed.len(), report.not_tried);
    // Schemas of one database come in their order, databases in that of their names: the same here.
    assert_eq!(numbers, (0, 2, 3));
    assert_eq!(report.halted, Some(Halt::Failures));
    stage.end().await;
}

async fn it_stops_when_told_to(mut stage: Stage) {
    let ids = stage.tenants(3).await;
    let stop = Stop::new();
    let stopping = stop.clone();
    let how = run()
        .jobs(1)
        .stop(&stop)
        .observe(move |_: &tenancy_fleet::run::Event<'_>| stopping.stop());
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES]), None, &how)
        .await
        .unwrap();
    // It was told before the first one.
    assert_eq!((report.done, report.not_tried), (0, 3));
    assert_eq!(report.halted, Some(Halt::Stopped));
    assert!(!stage.takes(&ids[0], "SELECT id FROM notes").await);
    stage.end().await;
}

async fn without_a_down_nothing_is_undone(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    let one_way: File<'_> = (2, DONE.1, None);
    let all = set(&[NOTES, one_way, TAGS]);
    stage.fleet().migrate(&all, None, &run()).await.unwrap();
    let report = stage
        .fleet()
        .rollback(&all, Back::Nothing, &run())
        .await
        .unwrap();
    assert!(
        report.failed[0].reason.contains("migration 2 has no down"),
        "{report:?}"
    );
    assert_eq!(stage.ledger(&id).await, "1 2 3");
    // The registry no longer knows for certain, so the next run looks, and knows again.
    assert_eq!(stage.entry(&id).await.applied_digest(), None);
    let report = stage.fleet().migrate(&all, None, &run()).await.unwrap();
    assert_eq!(report.current, 1);
    assert_eq!(
        stage.entry(&id).await.applied_digest(),
        all.digest(Some(3)).as_deref()
    );
    stage.end().await;
}

async fn a_place_that_is_gone_or_anothers_is_named(mut stage: Stage) {
    let ids = stage.tenants(2).await;
    stage.unmake(&ids[0]).await;
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES]), None, &run())
        .await
        .unwrap();
    assert_eq!((report.done, report.failed.len()), (1, 1));
    assert_eq!(report.failed[0].tenant, ids[0]);
    assert!(
        report.failed[0].reason.contains("is not there"),
        "{report:?}"
    );
    // One that bears the name and is not the tenant's.
    stage.make(&ids[0]).await;
    let place = stage.site.placement(&ids[0]).unwrap();
    let take_mark = match (place.schema_name(), place.database_name()) {
        (Some(schema), _) => format!("COMMENT ON SCHEMA \"{schema}\" IS 'another''s'"),
        (_, Some(name)) if stage.is_postgres() => format!("COMMENT ON DATABASE \"{name}\" IS NULL"),
        (_, Some(name)) if stage.is_mariadb() => {
            format!("ALTER DATABASE `{name}` COMMENT 'another'")
        }
        _ => "UPDATE tenancy_identity SET tenant = 'another'".to_owned(),
    };
    stage.run_inside(&ids[0], &take_mark).await;
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES]), None, &run())
        .await
        .unwrap();
    assert!(report.failed[0].reason.contains("not marked"), "{report:?}");
    assert!(!stage.takes(&ids[0], "SELECT id FROM notes").await);
    let reasons = serde_json::to_string(&report).unwrap();
    assert!(!reasons.contains("another's"), "{reasons}");
    stage.end().await;
}

async fn a_held_lock_is_busy_and_hurts_nobody(mut stage: Stage) {
    let ids = stage.tenants(2).await;
    let fleet = stage.fleet();
    fleet.migrate(&set(&[NOTES]), None, &run()).await.unwrap();
    let holder = stage.hold(&ids[0]).await;
    let how = run().limits(
        tenancy_fleet::migrations::Limits::default()
            .lock(std::time::Duration::from_millis(200))
            .tries(2),
    );
    let all = set(&[NOTES, DONE]);
    let report = fleet.migrate(&all, None, &how).await.unwrap();
    assert_eq!((report.done, report.failed.len()), (1, 1), "{report:?}");
    assert_eq!(report.failed[0].tenant, ids[0]);
    holder.close().await;
    let report = fleet.migrate(&all, None, &how).await.unwrap();
    assert_eq!((report.done, report.current), (1, 1), "{report:?}");
    let change = Change::outcome(None).unwrap();
    let expected = tenancy_fleet::registry::Expected::Any;
    stage
        .registry
        .update(&ids[0], expected, change, &ada())
        .await
        .unwrap();
    stage.end().await;
}
