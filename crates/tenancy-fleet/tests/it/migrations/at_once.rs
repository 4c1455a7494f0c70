//! One migration more, in a place that the registry knows, is one message: it does all or nothing,
//! and where the place is not as it is known, it does nothing.

use std::time::Duration;

use tenancy_core::TenantId;
use tenancy_fleet::Fleet;
use tenancy_fleet::migrations::Limits;
use tenancy_testkit::proxy::Proxy;

use crate::registry::side::Side;

use super::leftovers::{LITTER, SEEN};
use super::stage::{Ground, Stage, run};
use super::{DONE, NOTES, TAGS, set};

/// Schemas and databases, with so many tenants at version 1 that the registry knows.
async fn stages(count: usize) -> Vec<(Stage, Vec<TenantId>)> {
    let mut stages = Vec::new();
    for mut stage in [Stage::schemas().await, Stage::databases().await] {
        let ids = stage.tenants(count).await;
        let report = stage.fleet().migrate(&set(&[NOTES]), None, &run()).await;
        assert!(report.unwrap().is_whole());
        stages.push((stage, ids));
    }
    stages
}

#[tokio::test]
async fn a_tenant_costs_one_trip() {
    let mut stage = Stage::schemas().await;
    let count = 20;
    stage.tenants(count).await;
    let proxy = Proxy::in_front_of(stage.server().await).unwrap();
    let fleet = Fleet::new(stage.registry.clone(), stage.site_through(&proxy));
    let run = async |files: &[_]| {
        proxy.reset();
        let how = run().jobs(1);
        let report = fleet.migrate(&set(files), None, &how).await.unwrap();
        assert!(report.is_whole(), "{report:?}");
        proxy.trips()
    };
    // Each is entered twice, since the ledger is missing at first; migrated; and left. The next one
    // finds the connection cleaned.
    let first = run(&[NOTES]).await;
    assert!(first <= 5 * count + 3, "{first}");
    // With what it takes to connect.
    let second = run(&[NOTES, DONE]).await;
    assert!((count..=count + 3).contains(&second), "{second}");
    assert_eq!(proxy.connections(), 1);
}

/// What somebody has done to the ledger meanwhile is found, as if nothing had been known.
#[tokio::test]
async fn what_the_ledger_says_counts() {
    let row =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)";
    let is_there = format!(
        "{row} VALUES (2, 'x', true, pg_catalog.sha384('{}'), 0); {}",
        DONE.1, DONE.1
    );
    let cases = [
        (is_there.as_str(), "", "1 2"),
        (
            &format!("{row} SELECT 2, 'x', false, checksum, -1 FROM _sqlx_migrations"),
            "migration 2 was begun",
            "1 2!",
        ),
        (
            &format!("{row} SELECT 3, 'x', true, checksum, -1 FROM _sqlx_migrations"),
            "migration 3 was applied here and is not in this set",
            "1 3",
        ),
        (
            "UPDATE _sqlx_migrations SET checksum = '\\x00'",
            "migration 1 was changed after",
            "1",
        ),
        (
            "UPDATE _sqlx_migrations SET success = false",
            "migration 1 was begun",
            "1!",
        ),
        // It begins where it is then.
        ("DELETE FROM _sqlx_migrations; DROP TABLE notes", "", "1 2"),
        ("DROP TABLE _sqlx_migrations, notes", "", "1 2"),
    ];
    for (stage, ids) in stages(cases.len()).await {
        for ((sql, ..), id) in cases.iter().zip(&ids) {
            stage.run_inside(id, sql).await;
        }
        let all = set(&[NOTES, DONE]);
        let report = stage
            .fleet()
            .migrate(&all, None, &run().jobs(1))
            .await
            .unwrap();
        for ((sql, says, ledger), id) in cases.iter().zip(&ids) {
            let failure = report.failed.iter().find(|failure| failure.tenant == *id);
            let reason = failure.map_or("", |failure| &failure.reason);
            assert_eq!(reason.is_empty(), says.is_empty(), "{sql}: {reason}");
            assert!(reason.contains(says), "{sql}: {reason}");
            assert_eq!(stage.ledger(id).await, *ledger, "{sql}");
            let is_done = stage.takes(id, "SELECT done FROM notes").await;
            assert_eq!(is_done, says.is_empty(), "{sql}");
        }
        stage.end().await;
    }
}

/// A place whose mark is another's by now is not touched, though its ledger is as it was.
#[tokio::test]
async fn a_place_that_is_anothers_now_is_not_touched() {
    for (stage, ids) in stages(2).await {
        let place = stage.site.placement(&ids[0]).unwrap();
        let mark = match (place.schema_name(), place.database_name()) {
            (Some(schema), _) => format!("COMMENT ON SCHEMA \"{schema}\" IS 'another'"),
            (_, name) => format!("COMMENT ON DATABASE \"{}\" IS 'another'", name.unwrap()),
        };
        stage.run_inside(&ids[0], &mark).await;
        let report = stage
            .fleet()
            .migrate(&set(&[NOTES, DONE]), None, &run())
            .await;
        let report = report.unwrap();
        assert_eq!((report.done, report.failed.len()), (1, 1), "{report:?}");
        assert!(report.failed[0].reason.contains("not marked"), "{report:?}");
        assert_eq!(stage.ledger(&ids[0]).await, "1");
        assert!(!stage.takes(&ids[0], "SELECT done FROM notes").await);
        stage.end().await;
    }
}

/// One that fails, at whatever place in the message, undoes all of it and says why.
#[tokio::test]
async fn one_that_fails_leaves_nothing() {
    for (stage, ids) in stages(1).await {
        let id = &ids[0];
        let fleet = stage.fleet();
        for (sql, word, line) in [
            ("CREATE TABLE stray (id int);\nSELECT broken", "42703", true),
            ("CREATE TABLE stray (id int);\nSELECT 1/0", "22012", false),
            // What swallows what comes behind it.
            (
                "CREATE TABLE stray (id int); /* never closed",
                "42601",
                false,
            ),
            (
                "CREATE TABLE stray (id int); SELECT 'never closed",
                "42601",
                false,
            ),
            (
                "CREATE TABLE stray (id int); SELECT $$never closed",
                "42601",
                false,
            ),
            (
                "CREATE TABLE stray (id int); SELECT \"never closed",
                "42601",
                false,
            ),
            // When it is saved.
            (
                "CREATE TABLE stray (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO stray VALUES (1), (1)",
                "23505",
                false,
            ),
            // What looks as if it were not ours.
            (
                "CREATE TABLE stray (id int); RELEASE SAVEPOINT nobody",
                "3B001",
                false,
            ),
        ] {
            let all = set(&[NOTES, (2, sql, None)]);
            let report = fleet.migrate(&all, None, &run()).await.unwrap();
            let reason = report.failed.first().map(|failure| failure.reason.as_str());
            let reason = reason.unwrap_or_else(|| panic!("{sql}: {report:?}"));
            assert!(reason.contains("migration 2"), "{sql}: {reason}");
            assert_eq!(
                report.failed[0].code.as_deref(),
                Some(word),
                "{sql}: {reason}"
            );
            assert_eq!(reason.contains("line 2"), line, "{sql}: {reason}");
            assert_eq!(stage.ledger(id).await, "1", "{sql}");
            assert!(!stage.takes(id, "SELECT id FROM stray").await, "{sql}");
        }
        stage.end().await;
    }
}

/// One that ends the transaction is noticed, and what it did before is entered as begun.
#[tokio::test]
async fn one_that_ends_the_transaction_is_not_believed() {
    for ending in [
        "COMMIT",
        "COMMIT; BEGIN",
        "ROLLBACK",
        "ROLLBACK; BEGIN",
        "COMMIT; SELECT broken FROM notes",
        "COMMIT; BEGIN; SELECT broken FROM notes",
    ] {
        let mut stage = Stage::schemas().await;
        let ids = stage.tenants(2).await;
        let fleet = stage.fleet();
        assert!(
            fleet
                .migrate(&set(&[NOTES]), None, &run())
                .await
                .unwrap()
                .is_whole()
        );
        let sql = format!("CREATE TABLE stray (id INTEGER); {ending}");
        let all = set(&[NOTES, (2, &sql, None)]);
        for _ in 0..2 {
            let how = run().only([ids[0].clone()]);
            let report = fleet.migrate(&all, None, &how).await.unwrap();
            assert_eq!(report.failed.len(), 1, "{ending}");
            assert_eq!(stage.ledger(&ids[0]).await, "1 2!", "{ending}");
        }
        // The next tenant, on whatever connection, is whole.
        let how = run().only([ids[1].clone()]);
        let report = fleet
            .migrate(&set(&[NOTES, TAGS]), None, &how)
            .await
            .unwrap();
        assert!(report.is_whole(), "{ending}: {report:?}");
        stage.end().await;
    }
}

/// Everything that a script can leave is gone when the next tenant's message comes, whose entry is
/// made by the owner, and in its own ledger.
#[tokio::test]
async fn nothing_is_left_for_the_next_tenant() {
    for role in [
        "",
        "; SET SESSION AUTHORIZATION {runtime}; SET ROLE {runtime}",
    ] {
        litter(role).await;
    }
}

async fn litter(role: &str) {
    let mut stage = Stage::schemas().await;
    let ids = stage.tenants(5).await;
    let fleet = stage.fleet();
    assert!(
        fleet
            .migrate(&set(&[NOTES]), None, &run())
            .await
            .unwrap()
            .is_whole()
    );
    let Ground::Schemas(database) = &stage.ground else {
        unreachable!()
    };
    let runtime = database.runtime_role();
    let role = role.replace("{runtime}", runtime);
    let sql = format!("{SEEN}; {LITTER}{role}");
    let all = set(&[NOTES, (2, &sql, None)]);
    let report = fleet.migrate(&all, None, &run().jobs(1)).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    let mut what = Vec::new();
    for id in &ids {
        let mut side = stage.inside(id).await;
        what.push(side.texts("SELECT what FROM seen").await);
        let path = side.texts("SELECT path FROM seen").await;
        assert!(path.contains(id.as_str()), "{path}");
        let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'seen' AND schemaname = current_schema()";
        assert_eq!(side.texts(owner).await.trim(), database.owner_role());
        side.close().await;
        assert_eq!(stage.ledger(id).await, "1 2");
    }
    what.dedup();
    assert_eq!(
        what.len(),
        1,
        "one connection, and each found it clean: {what:?}"
    );
    stage.end().await;
}

/// A connection that dies in it: whoever was not migrated is told of, and the next run goes on.
#[tokio::test]
async fn a_connection_that_dies_in_it_is_looked_after() {
    for (stage, ids) in stages(3).await {
        let fleet = stage.fleet();
        stage
            .run_inside(&ids[1], "INSERT INTO notes VALUES (1, 'trap')")
            .await;
        let sql = "CREATE TABLE stray (id int); \
                   SELECT pg_terminate_backend(pg_backend_pid()) FROM notes WHERE title = 'trap'";
        let all = set(&[NOTES, (2, sql, None)]);
        let report = fleet.migrate(&all, None, &run().jobs(1)).await.unwrap();
        assert_eq!((report.done, report.failed.len()), (2, 1), "{report:?}");
        assert_eq!(report.failed[0].tenant, ids[1]);
        assert_eq!(stage.ledger(&ids[1]).await, "1");
        assert!(!stage.takes(&ids[1], "SELECT id FROM stray").await);
        stage.run_inside(&ids[1], "DELETE FROM notes").await;
        let report = fleet.migrate(&all, None, &run()).await.unwrap();
        assert_eq!((report.done, report.current), (1, 2), "{report:?}");
        stage.end().await;
    }
}

/// A place that somebody else works on is waited for, and left alone when that takes too long.
#[tokio::test]
async fn a_place_that_is_worked_on_is_waited_for() {
    let mut stage = Stage::schemas().await;
    let ids = stage.tenants(2).await;
    let report = stage.fleet().migrate(&set(&[NOTES]), None, &run()).await;
    assert!(report.unwrap().is_whole());
    let Ground::Schemas(database) = &stage.ground else {
        unreachable!()
    };
    let slow = set(&[
        NOTES,
        (2, "CREATE TABLE slow (id int); SELECT pg_sleep(1.5)", None),
    ]);
    let (fleet, other) = (stage.fleet(), stage.second().await);
    let only = [ids[0].clone()];
    let working = run().only(only.clone());
    let hasty = run()
        .only(only.clone())
        .limits(Limits::default().lock(Duration::from_millis(100)).tries(2));
    let patient = run().only(only).limits(Limits::default());
    let hurry = async {
        // Only a superuser sees what others wait for.
        let mut side = Side::connect(&database.admin_url()).await;
        let seen = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        while side.number(seen).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let report = other.migrate(&slow, None, &hasty).await.unwrap();
        assert!(
            report.failed[0].reason.contains("at work in this place"),
            "{report:?}"
        );
        let report = other.migrate(&slow, None, &patient).await.unwrap();
        assert!(report.is_whole(), "{report:?}");
    };
    let work = async {
        let report = fleet.migrate(&slow, None, &working).await.unwrap();
        assert!(report.is_whole(), "{report:?}");
    };
    tokio::join!(work, hurry);
    assert_eq!(stage.ledger(&ids[0]).await, "1 2");
    stage.end().await;
}
