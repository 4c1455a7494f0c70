//! A ledger that contradicts the set is refused, and nothing is changed.

use super::stage::{Stage, run};
use super::{DONE, File, NOTES, TAGS, on_every_ground, set};

on_every_ground!(drift_is_refused);

async fn drift_is_refused(mut stage: Stage) {
    let id = stage.tenant("acme").await;
    let fleet = stage.fleet();
    fleet
        .migrate(&set(&[NOTES, TAGS]), None, &run())
        .await
        .unwrap();
    let edited: File<'_> = (1, "CREATE TABLE notes (id INTEGER)", None);
    let next: File<'_> = (4, "CREATE TABLE more (id INTEGER)", None);
    for (files, says) in [
        (vec![edited, TAGS, next], "migration 1 was changed after"),
        (
            vec![TAGS, next],
            "migration 1 was applied here and is not in this set",
        ),
        (
            vec![NOTES, next],
            "migration 3 was applied here and is not in this set",
        ),
        (
            vec![NOTES, DONE, TAGS, next],
            "migration 2 was never applied here, though 3 was",
        ),
    ] {
        let report = fleet.migrate(&set(&files), None, &run()).await.unwrap();
        assert_eq!(report.failed.len(), 1);
        assert!(report.failed[0].reason.contains(says), "{report:?}");
        assert_eq!(stage.ledger(&id).await, "1 3");
        assert!(!stage.takes(&id, "SELECT id FROM more").await);
        assert_eq!(stage.entry(&id).await.applied_version(), Some(3));
    }
    // What the registry has not seen is found where everybody is looked at.
    stage
        .run_inside(&id, "DELETE FROM _sqlx_migrations WHERE version = 1")
        .await;
    let report = fleet
        .migrate(&set(&[NOTES, TAGS]), None, &run())
        .await
        .unwrap();
    assert_eq!(report.current, 1);
    let report = fleet
        .migrate(&set(&[NOTES, TAGS]), None, &run().everyone())
        .await
        .unwrap();
    assert!(
        report.failed[0]
            .reason
            .contains("migration 1 was never applied"),
        "{report:?}"
    );
    stage.end().await;
}
