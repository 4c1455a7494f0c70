//! Seeds run once in each place, each as a whole.

use tenancy_fleet::run::Outcome;
use tenancy_fleet::seeds::SeedSet;

use super::stage::{Stage, run};
use super::{Heard, NOTES, on_every_ground, set};

on_every_ground!(
    seeds_run_once_unless_asked,
    a_seed_that_fails_is_undone,
    a_seed_that_ends_its_transaction_is_not_believed,
);

async fn seeds(files: &[(&str, &str)]) -> SeedSet {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql) in files {
        std::fs::write(folder.path().join(format!("{name}.sql")), sql).unwrap();
    }
    SeedSet::from_folder(folder.path()).await.unwrap()
}

const FIRST: (&str, &str) = (
    "1_first",
    "INSERT INTO notes (id, title) SELECT COALESCE(MAX(id), 0) + 1, 'first' FROM notes",
);
const SECOND: (&str, &str) = (
    "2_second",
    "INSERT INTO notes (id, title) SELECT COALESCE(MAX(id), 0) + 1, 'second' FROM notes",
);

async fn count(stage: &Stage, id: &tenancy_core::TenantId) -> i64 {
    let mut side = stage.inside(id).await;
    let count = side.number("SELECT count(*) FROM notes").await;
    side.close().await;
    count
}

async fn seeds_run_once_unless_asked(mut stage: Stage) {
    let ids = stage.tenants(2).await;
    let fleet = stage.fleet();
    fleet.migrate(&set(&[NOTES]), None, &run()).await.unwrap();
    let one = seeds(&[FIRST]).await;
    let both = seeds(&[SECOND, FIRST]).await;
    let heard = Heard::default();
    let how = run().observe(heard.observer());
    let report = fleet.seed(&one, false, &how).await.unwrap();
    assert!(report.is_whole() && report.done == 2, "{report:?}");
    let seeded = Outcome::Seeded {
        seeds: vec!["1_first".to_owned()],
    };
    assert_eq!(heard.all()[0].1, seeded);
    let report = fleet.seed(&one, false, &run()).await.unwrap();
    assert_eq!(report.current, 2);
    // A new one runs alone.
    fleet.seed(&both, false, &run()).await.unwrap();
    assert_eq!(count(&stage, &ids[0]).await, 2);
    // Asked for, all of them run again.
    fleet
        .seed(&both, true, &run().only([ids[0].clone()]))
        .await
        .unwrap();
    assert_eq!(
        (count(&stage, &ids[0]).await, count(&stage, &ids[1]).await),
        (4, 2)
    );
    // An edited one is reported, and nothing runs.
    let edited = seeds(&[("0_new", FIRST.1), (FIRST.0, "SELECT 1"), SECOND]).await;
    let report = fleet.seed(&edited, false, &run()).await.unwrap();
    assert_eq!(report.failed.len(), 2);
    assert!(
        report.failed[0].reason.contains("seed 1_first was changed"),
        "{report:?}"
    );
    assert_eq!(count(&stage, &ids[1]).await, 2);
    fleet.seed(&edited, true, &run()).await.unwrap();
    let report = fleet.seed(&edited, false, &run()).await.unwrap();
    assert_eq!(report.current, 2);
    stage.end().await;
}

async fn a_seed_that_fails_is_undone(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    let fleet = stage.fleet();
    fleet.migrate(&set(&[NOTES]), None, &run()).await.unwrap();
    let bad = (
        "2_bad",
        "INSERT INTO notes (id, title) VALUES (8, 'xyzzy'); INSERT INTO notes (id, title) VALUES (8, 'xyzzy')",
    );
    let all = seeds(&[FIRST, bad, ("3_third", SECOND.1)]).await;
    for _ in 0..2 {
        let report = fleet.seed(&all, false, &run()).await.unwrap();
        assert!(
            report.failed[0].reason.contains("seed 2_bad failed"),
            "{report:?}"
        );
        assert!(!serde_json::to_string(&report).unwrap().contains("xyzzy"));
        // The one before it is there, once.
        assert_eq!(count(&stage, &id).await, 1);
    }
    let good = seeds(&[FIRST, ("2_bad", SECOND.1), ("3_third", SECOND.1)]).await;
    assert!(fleet.seed(&good, false, &run()).await.unwrap().is_whole());
    assert_eq!(count(&stage, &id).await, 3);
    stage.end().await;
}

async fn a_seed_that_ends_its_transaction_is_not_believed(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    let fleet = stage.fleet();
    fleet.migrate(&set(&[NOTES]), None, &run()).await.unwrap();
    let stray = (
        "2_stray",
        "INSERT INTO notes (id, title) VALUES (5, 'a'); COMMIT",
    );
    let all = seeds(&[FIRST, stray]).await;
    let report = fleet.seed(&all, false, &run()).await.unwrap();
    assert!(
        report.failed[0]
            .reason
            .contains("seed 2_stray ended the transaction"),
        "{report:?}"
    );
    let mut side = stage.inside(&id).await;
    assert_eq!(side.number("SELECT count(*) FROM _tenancy_seeds").await, 1);
    side.close().await;
    stage.end().await;
}
