//! What is in a new place before its tenant is active.

use std::time::Duration;

use tenancy_core::TenantStatus;
use tenancy_fleet::migrations::Limits;
use tenancy_fleet::provision::ProvisionError;
use tenancy_fleet::registry::Provisioning;
use tenancy_fleet::run::Run;
use tenancy_fleet::seeds::SeedSet;

use super::foreign::mislead;
use super::ground::{Ground, Kind};
use super::{on_every_site, set, set_with};
use crate::registry::cancelled::polled;
use crate::registry::{ada, id};

on_every_site!(
    a_new_place_has_its_migrations_and_seeds,
    one_whose_migration_fails_is_not_active,
    migrations_that_are_broken_off_are_applied_once,
    what_is_provisioned_is_current_for_the_fleet,
    a_place_that_is_marked_for_another_is_not_migrated,
    a_place_that_somebody_migrates_is_left_to_them,
);

async fn seeds(sql: &str) -> SeedSet {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1_first.sql"), sql).unwrap();
    SeedSet::from_folder(folder.path()).await.unwrap()
}

async fn a_new_place_has_its_migrations_and_seeds(ground: Ground) {
    let seeds = seeds("INSERT INTO t1 VALUES (7)").await;
    let fleet = ground.fleet.clone().migrations(set(2)).seeds(seeds);
    let acme = id("acme");
    let made = fleet.onboard(&acme, &ada()).await.unwrap();
    assert_eq!(made.status(), TenantStatus::Active);
    assert_eq!(made.applied_version(), Some(2));
    assert!(made.applied_digest().is_some());
    let mut inside = ground.inside(&acme).await;
    assert_eq!(
        inside.number("SELECT COUNT(*) FROM t1 WHERE id = 7").await,
        1
    );
    if !ground.is_sqlite() {
        // Owned by the owner, and open to the tenant's own login.
        let mut login = ground.login(&acme, &acme).await.unwrap();
        login.run("INSERT INTO t2 VALUES (1)").await;
        assert!(login.try_run("DROP TABLE t2").await.is_err());
    }
    drop(inside);
    ground.clear().await;
}

async fn one_whose_migration_fails_is_not_active(ground: Ground) {
    let broken = set_with(1, "CREATE TABLE t{} (id nonsense(");
    let fleet = ground.fleet.clone().migrations(broken);
    let acme = id("acme");
    let failed = fleet.onboard(&acme, &ada()).await.unwrap_err();
    assert!(matches!(failed, ProvisionError::Migration(_)), "{failed}");
    let entry = ground.registry.get(&acme).await.unwrap().unwrap();
    assert_eq!(entry.status(), TenantStatus::Provisioning);
    assert_eq!(entry.provisioning(), Provisioning::Failed);
    assert_eq!(entry.outcome(), Some(failed.to_string().as_str()));
    // With a set that is mended it goes on.
    let fleet = ground.fleet.clone().migrations(set(1));
    let made = fleet.provision(&acme, &ada()).await.unwrap();
    assert_eq!(made.status(), TenantStatus::Active);
    assert_eq!(made.applied_version(), Some(1));
    ground.clear().await;
}

async fn migrations_that_are_broken_off_are_applied_once(ground: Ground) {
    // Applied twice, it fails: the table is there.
    let fleet = ground.fleet.clone().migrations(set(3));
    let rounds = match ground.kind {
        Kind::Databases => 6,
        _ => 15,
    };
    for number in 0..rounds {
        let tenant = id(&format!("t{number}"));
        let actor = ada();
        let polls = 10 + number * 7 % 60;
        let _ = polled(polls, Box::pin(fleet.onboard(&tenant, &actor))).await;
        match fleet.onboard(&tenant, &ada()).await {
            Ok(made) => assert_eq!(made.applied_version(), Some(3)),
            Err(error) => assert!(error.to_string().contains("has this id"), "{error}"),
        }
        let mut inside = ground.inside(&tenant).await;
        let sql = "SELECT COUNT(*) FROM _sqlx_migrations";
        assert_eq!(inside.number(sql).await, 3);
    }
    ground.clear().await;
}

async fn what_is_provisioned_is_current_for_the_fleet(ground: Ground) {
    let fleet = ground.fleet.clone().migrations(set(2));
    for tenant in ["acme", "globex"] {
        fleet.onboard(&id(tenant), &ada()).await.unwrap();
    }
    let report = fleet.migrate(&set(2), None, &Run::by(ada())).await.unwrap();
    assert_eq!((report.done, report.current), (0, 2), "{report:?}");
    let report = fleet.migrate(&set(3), None, &Run::by(ada())).await.unwrap();
    assert_eq!((report.done, report.current), (2, 0), "{report:?}");
    ground.clear().await;
}

async fn a_place_that_is_marked_for_another_is_not_migrated(ground: Ground) {
    let acme = id("acme");
    let fleet = ground.fleet.clone().migrations(set(1));
    fleet.onboard(&acme, &ada()).await.unwrap();
    mislead(&ground, &acme).await;
    let report = fleet.migrate(&set(2), None, &Run::by(ada())).await.unwrap();
    let [failure] = &report.failed[..] else {
        panic!("{report:?}")
    };
    assert!(
        failure.reason.contains("not marked as this tenant's"),
        "{failure:?}"
    );
    let mut inside = ground.inside(&acme).await;
    inside.run("SELECT id FROM t1").await;
    assert!(inside.try_run("SELECT id FROM t2").await.is_err());
    ground.clear().await;
}

async fn a_place_that_somebody_migrates_is_left_to_them(ground: Ground) {
    let slow = match ground.kind {
        // It has no sleep, and one writer at a time.
        Kind::Sqlite(_) => return,
        Kind::Mariadb => "DO SLEEP(5)",
        _ => "SELECT pg_sleep(5)",
    };
    let acme = id("acme");
    let fleet = ground.fleet.clone().migrations(set_with(1, slow));
    // The ledger is there.
    fleet.onboard(&acme, &ada()).await.unwrap();
    let both = set_with(2, slow);
    let (one, other) = (ground.fleet.clone(), ground.another().await);
    let first = Run::by(ada());
    let limits = Limits::default().lock(Duration::from_millis(100)).tries(1);
    let second = Run::by(ada()).limits(limits);
    let later = async {
        until_asleep(&ground).await;
        other.migrate(&both, None, &second).await.unwrap()
    };
    let running = async { one.migrate(&both, None, &first).await.unwrap() };
    let (done, left) = futures_util::future::join(running, later).await;
    assert_eq!((done.done, done.failed.len()), (1, 0), "{done:?}");
    assert_eq!(left.failed.len(), 1, "{left:?}");
    assert!(left.failed[0].reason.contains("at work"), "{left:?}");
    ground.clear().await;
}

/// Until the migration is under way.
pub(crate) async fn until_asleep(ground: &Ground) {
    let name = ground.prefix.trim_end_matches('_');
    let sql = match ground.kind {
        Kind::Mariadb => format!(
            "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.PROCESSLIST \
             WHERE DB LIKE '{name}%' AND INFO LIKE 'DO SLEEP%'"
        ),
        _ => format!(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname LIKE '{name}%' AND wait_event = 'PgSleep'"
        ),
    };
    let mut admin = ground.admin().await;
    while admin.number(&sql).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
