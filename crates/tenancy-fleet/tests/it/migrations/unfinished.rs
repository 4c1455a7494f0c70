//! Migrations that were begun and not finished: by their own COMMIT, half on `MariaDB`, or killed
//! outside a transaction. They are named, left alone, block nobody, and wait for an operator's word.

use std::time::Duration;

use tenancy_core::TenantId;
use tenancy_fleet::migrations::{Limits, MigrationError, Resolution};
use tenancy_fleet::run::RunError;

use super::stage::{Stage, ada, run};
use super::{File, NOTES, on_every_ground, set};

on_every_ground!(
    one_that_ends_its_transaction_is_not_believed,
    half_of_one_waits_for_an_operator,
    what_did_nothing_needs_no_operator,
);

async fn one_that_ends_its_transaction_is_not_believed(mut stage: Stage) {
    if stage.is_mariadb() {
        // There, nothing hangs on the transaction.
        return stage.end().await;
    }
    for (at, ending) in [
        "COMMIT",
        "COMMIT; BEGIN",
        "ROLLBACK",
        "ROLLBACK; BEGIN",
        "COMMIT; SELECT broken",
        "COMMIT; BEGIN; SELECT broken",
    ]
    .into_iter()
    .enumerate()
    {
        let id = stage.tenant(&format!("t{at}")).await;
        let other = stage.tenant(&format!("u{at}")).await;
        let fleet = stage.fleet();
        let how = run().only([other.clone(), id.clone()]).jobs(1);
        let good = set(&[NOTES]);
        assert!(fleet.migrate(&good, None, &how).await.unwrap().is_whole());
        let sql = format!("CREATE TABLE stray (id INTEGER); {ending}");
        let files = [
            NOTES,
            (2, &sql, None),
            (3, "CREATE TABLE more (id INTEGER)", None),
        ];
        let all = set(&files);
        let how = run().only([id.clone()]);
        let report = fleet.migrate(&all, None, &how).await.unwrap();
        assert_eq!(report.failed.len(), 1, "{ending}");
        let reason = &report.failed[0].reason;
        assert!(
            reason.contains("migration 2 ended the transaction"),
            "{ending}: {reason}"
        );
        assert_eq!(stage.ledger(&id).await, "1 2!", "{ending}");
        assert!(!stage.takes(&id, "SELECT id FROM more").await);
        // Nobody runs it again unasked.
        let report = fleet.migrate(&all, None, &how).await.unwrap();
        assert!(
            report.failed[0]
                .reason
                .contains("begun here and not finished"),
            "{report:?}"
        );
        // The same connection, or the next, is whole for others.
        assert_eq!(stage.ledger(&other).await, "1");
    }
    stage.end().await;
}

/// Ends with a failure after a part of its work that stays.
fn half(stage: &Stage) -> File<'static> {
    if stage.is_mariadb() {
        (
            2,
            "CREATE TABLE half (id INTEGER); CREATE TABLE notes (id INTEGER)",
            None,
        )
    } else if stage.is_sqlite() {
        (
            2,
            "-- no-transaction\nCREATE TABLE half (id INTEGER); CREATE TABLE notes (id INTEGER)",
            None,
        )
    } else {
        (
            2,
            "CREATE TABLE half (id INTEGER); COMMIT; SELECT broken",
            None,
        )
    }
}

async fn half_of_one_waits_for_an_operator(mut stage: Stage) {
    let ids = stage.tenants(2).await;
    let fleet = stage.fleet();
    let all = set(&[NOTES, half(&stage)]);
    for (id, resolution) in [
        (&ids[0], Resolution::Applied),
        (&ids[1], Resolution::NotApplied),
    ] {
        let how = run().only([id.clone()]);
        for _ in 0..2 {
            let report = fleet.migrate(&all, None, &how).await.unwrap();
            assert_eq!(report.failed.len(), 1);
            assert_eq!(stage.ledger(id).await, "1 2!");
        }
        assert!(stage.takes(id, "SELECT id FROM half").await);
        let wrong = fleet.resolve(id, &all, 1, resolution, &ada()).await;
        assert_eq!(
            wrong,
            Err(RunError::Place(MigrationError::NotUnfinished {
                version: 1
            }))
        );
        assert_eq!(stage.ledger(id).await, "1 2!");
        stage.run_inside(id, "DROP TABLE half").await;
        fleet
            .resolve(id, &all, 2, resolution, &ada())
            .await
            .unwrap();
        let outcome = stage.entry(id).await.outcome().unwrap().to_owned();
        assert!(outcome.starts_with("migration 2 was resolved"), "{outcome}");
    }
    assert_eq!(stage.ledger(&ids[0]).await, "1 2");
    assert_eq!(stage.ledger(&ids[1]).await, "1");
    let report = fleet.migrate(&all, None, &run()).await.unwrap();
    assert_eq!((report.current, report.failed.len()), (1, 1), "{report:?}");
    let nobody = TenantId::new("nobody").unwrap();
    let error = fleet
        .resolve(&nobody, &all, 2, Resolution::Applied, &ada())
        .await;
    assert_eq!(error, Err(RunError::NoPlace));
    stage.end().await;
}

/// On `MariaDB`: rows that are rolled back, and a first statement that is whole or nothing.
async fn what_did_nothing_needs_no_operator(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    let fleet = stage.fleet();
    for sql in [
        "-- what for\nCREATE TABLE notes (id INTEGER)",
        "INSERT INTO notes (id, title) VALUES (7, 'a'); INSERT INTO notes (id, title) VALUES (7, 'b')",
        "SELEKT 1",
    ] {
        let report = fleet
            .migrate(&set(&[NOTES, (2, sql, None)]), None, &run())
            .await
            .unwrap();
        let reason = &report.failed[0].reason;
        let undone = reason.contains("undone") || sql.starts_with("SELEKT");
        assert!(undone, "{reason}");
        let mut side = stage.inside(&id).await;
        if stage.takes(&id, "SELECT id FROM notes").await {
            assert_eq!(side.number("SELECT count(*) FROM notes").await, 0, "{sql}");
            assert_eq!(stage.ledger(&id).await, "1", "{sql}");
        }
        side.close().await;
    }
    stage.end().await;
}

const INDEX: File<'_> = (
    2,
    "-- no-transaction\nCREATE INDEX CONCURRENTLY notes_title ON notes (title)",
    Some("-- no-transaction\nDROP INDEX CONCURRENTLY notes_title"),
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_index_is_named_and_blocks_nobody() {
    let mut stage = Stage::schemas().await;
    let ids = stage.tenants(3).await;
    let fleet = stage.fleet();
    fleet.migrate(&set(&[NOTES]), None, &run()).await.unwrap();
    // Somebody who writes to the first tenant's table: the index waits for them.
    let mut holder = stage.inside(&ids[0]).await;
    holder.run("BEGIN; INSERT INTO notes VALUES (1, 'a')").await;
    let all = set(&[
        NOTES,
        INDEX,
        (3, "CREATE TABLE more (id int)", Some("DROP TABLE more")),
    ]);
    let running = tokio::spawn({
        let (fleet, all) = (fleet.clone(), all.clone());
        let limits = Limits::default().lock(Duration::from_mins(1));
        let how = run().limits(limits);
        async move { fleet.migrate(&all, None, &how).await.unwrap() }
    });
    let mut killer = stage.side().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND query LIKE '%CONCURRENTLY notes_title%' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()";
    let mut admin = stage.inside(&ids[1]).await;
    admin.run("RESET ROLE").await;
    while admin.number(waiting).await != 1 {
        assert!(!running.is_finished(), "it never waited");
        tokio::task::yield_now().await;
    }
    // While it is at work, another run finds the place busy, and does not wait for ever.
    let report = stage
        .second()
        .await
        .migrate(&all, None, &run().only([ids[0].clone()]))
        .await;
    let report = report.unwrap();
    assert!(
        report.failed[0].reason.contains("at work in this place"),
        "{report:?}"
    );
    admin
        .run(&waiting.replace("count(*)", "pg_terminate_backend(pid)"))
        .await;
    let report = running.await.unwrap();
    assert_eq!((report.done, report.failed.len()), (2, 1), "{report:?}");
    assert_eq!(report.failed[0].tenant, ids[0]);
    assert!(
        report.failed[0].reason.contains("migration 2"),
        "{report:?}"
    );
    holder.run("ROLLBACK").await;
    let report = fleet.migrate(&all, None, &run()).await.unwrap();
    assert_eq!((report.current, report.failed.len()), (2, 1), "{report:?}");
    let reason = &report.failed[0].reason;
    assert!(reason.contains("invalid indexes: notes_title"), "{reason}");
    assert_eq!(stage.ledger(&ids[0]).await, "1 2!");
    // An operator looks, and says what they found.
    stage.run_inside(&ids[0], "DROP INDEX notes_title").await;
    fleet
        .resolve(&ids[0], &all, 2, Resolution::NotApplied, &ada())
        .await
        .unwrap();
    let report = fleet.migrate(&all, None, &run()).await.unwrap();
    assert!(report.is_whole() && report.done == 1, "{report:?}");
    for id in &ids {
        assert_eq!(stage.ledger(id).await, "1 2 3");
        let mut side = stage.inside(id).await;
        let valid = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('notes_title') AND indisvalid";
        assert_eq!(side.number(valid).await, 1);
    }
    let back = tenancy_fleet::run::Back::To(1);
    let report = fleet.rollback(&all, back, &run()).await.unwrap();
    assert_eq!(report.done, 3, "{report:?}");
    assert_eq!(stage.ledger(&ids[0]).await, "1");
    killer.run("SELECT 1").await;
}
