//! Up, up to the same again, and down.

use tenancy_core::TenantStatus;
use tenancy_fleet::registry::{Change, Expected, NewTenant, Provisioning};
use tenancy_fleet::run::{Back, Outcome, RunError};

use super::stage::{Stage, ada, run};
use super::{DONE, Heard, NOTES, TAGS, on_every_ground, set};
use crate::registry::id;
use crate::registry::side::Side;

on_every_ground!(
    a_fleet_goes_up_and_down,
    sqlx_reads_the_ledger,
    a_dry_run_changes_nothing,
    who_has_no_place_is_not_tried,
);

async fn a_fleet_goes_up_and_down(mut stage: Stage) {
    let ids = stage.tenants(3).await;
    let fleet = stage.fleet();
    let all = set(&[NOTES, DONE, TAGS]);
    let heard = Heard::default();
    let how = run().observe(heard.observer());
    let report = fleet.migrate(&all, Some(2), &how).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.done, report.current), (3, 0));
    for (id, (heard, outcome)) in ids.iter().zip(heard.all()) {
        assert_eq!(*id, heard);
        let moved = Outcome::Moved {
            from: None,
            to: Some(2),
            versions: vec![1, 2],
        };
        assert_eq!(outcome, moved);
        assert_eq!(stage.ledger(id).await, "1 2");
        let entry = stage.entry(id).await;
        assert_eq!(entry.applied_version(), Some(2));
        assert_eq!(entry.applied_digest(), all.digest(Some(2)).as_deref());
        let audit = stage.registry.audit(id, None, 10).await.unwrap();
        assert_eq!(audit.last().unwrap().what, "version+outcome");
        assert_eq!(audit.last().unwrap().detail.as_deref(), Some("2"));
    }
    // A suspended tenant must not fall behind, an archived one is past.
    for (id, status) in [
        (&ids[0], TenantStatus::Suspended),
        (&ids[1], TenantStatus::Archived),
    ] {
        let change = Change::status(status);
        stage
            .registry
            .update(id, Expected::Any, change, &ada())
            .await
            .unwrap();
    }
    let report = fleet.migrate(&all, None, &run()).await.unwrap();
    assert_eq!((report.done, report.current), (2, 0));
    assert_eq!(stage.ledger(&ids[0]).await, "1 2 3");
    assert_eq!(stage.ledger(&ids[1]).await, "1 2");
    // Nothing to do, from the registry, and from everybody's own ledger.
    for how in [run(), run().everyone()] {
        let report = fleet.migrate(&all, None, &how).await.unwrap();
        assert_eq!((report.done, report.current), (0, 2));
    }
    assert!(
        stage
            .takes(
                &ids[2],
                "INSERT INTO notes (id, title, done) VALUES (1, 'a', 1)"
            )
            .await
    );
    let how = run().only([ids[0].clone(), ids[2].clone()]);
    let report = fleet.rollback(&all, Back::Steps(2), &how).await.unwrap();
    assert_eq!((report.done, report.failed.len()), (2, 0), "{report:?}");
    assert_eq!(stage.ledger(&ids[2]).await, "1");
    assert_eq!(stage.entry(&ids[2]).await.applied_version(), Some(1));
    assert!(!stage.takes(&ids[2], "SELECT done FROM notes").await);
    // Those who are above a version stay there.
    let report = fleet.migrate(&all, Some(1), &run()).await.unwrap();
    assert_eq!((report.done, report.current), (0, 2));
    let report = fleet.rollback(&all, Back::To(1), &run()).await.unwrap();
    assert_eq!((report.done, report.current), (0, 2));
    let report = fleet.rollback(&all, Back::Nothing, &run()).await.unwrap();
    assert_eq!((report.done, report.current), (2, 0));
    assert_eq!(stage.ledger(&ids[0]).await, "");
    assert!(!stage.takes(&ids[0], "SELECT id FROM notes").await);
    let error = fleet.migrate(&all, Some(7), &run()).await.unwrap_err();
    assert_eq!(error, RunError::NotInSet { version: 7 });
    stage.end().await;
}

/// `SQLx`'s own migrator finds what it would have written, and goes on from there.
async fn sqlx_reads_the_ledger(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES, DONE]), None, &run())
        .await;
    assert!(report.unwrap().is_whole());
    let migrator =
        sqlx::migrate::Migrator::with_migrations(super::migrations(&[NOTES, DONE, TAGS]));
    match &mut stage.inside(&id).await {
        Side::Postgres(connection) => migrator.run(connection).await.unwrap(),
        Side::Mariadb(connection) => migrator.run(connection).await.unwrap(),
        Side::Sqlite(connection) => migrator.run(connection).await.unwrap(),
    }
    assert_eq!(stage.ledger(&id).await, "1 2 3");
    // And ours finds what SQLx wrote.
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES, DONE, TAGS]), None, &run())
        .await;
    let report = report.unwrap();
    assert!(report.is_whole() && report.current == 1, "{report:?}");
    assert_eq!(stage.entry(&id).await.applied_version(), Some(3));
    stage.end().await;
}

async fn a_dry_run_changes_nothing(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    let before = stage.entry(&id).await;
    let heard = Heard::default();
    let how = run().dry().observe(heard.observer());
    stage
        .fleet()
        .migrate(&set(&[NOTES]), None, &how)
        .await
        .unwrap();
    let would = Outcome::Would {
        from: None,
        to: Some(1),
        versions: vec![1],
    };
    assert_eq!(heard.all()[0].1, would);
    assert!(!stage.takes(&id, "SELECT id FROM notes").await);
    let ledger = "SELECT version FROM _sqlx_migrations";
    assert!(!stage.takes(&id, ledger).await, "not even a ledger");
    assert_eq!(stage.entry(&id).await, before);
    stage.end().await;
}

async fn who_has_no_place_is_not_tried(stage: Stage) {
    let known = id("row");
    stage
        .registry
        .create(NewTenant::active(known.clone()), &ada())
        .await
        .unwrap();
    let pending = id("pending");
    let place = stage.site.placement(&pending).unwrap();
    let new = NewTenant::new(pending.clone(), place.strategy());
    stage.registry.create(new, &ada()).await.unwrap();
    let running = Change::provisioning(Provisioning::Running);
    stage
        .registry
        .update(&pending, Expected::Any, running, &ada())
        .await
        .unwrap();
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES]), None, &run())
        .await
        .unwrap();
    assert_eq!((report.done, report.current, report.not_tried), (0, 0, 0));
    let unknown = id("unknown");
    let heard = Heard::default();
    let how = run()
        .only([known, pending, unknown])
        .observe(heard.observer());
    let report = stage
        .fleet()
        .migrate(&set(&[NOTES]), None, &how)
        .await
        .unwrap();
    assert_eq!(report.not_tried, 3);
    assert!(!report.is_whole());
    let reasons: Vec<_> = heard
        .all()
        .iter()
        .map(|(_, outcome)| outcome.to_string())
        .collect();
    assert!(reasons[0].contains("not ready"), "{reasons:?}");
    assert!(reasons[1].contains("shared tables"), "{reasons:?}");
    assert!(reasons[2].contains("no tenant"), "{reasons:?}");
    stage.end().await;
}
