//! The base database has its own migrations and seeds, in the same ledger and by the same rules.

use tenancy_fleet::migrations::{Limits, MigrationError, Resolution};
use tenancy_fleet::run::{Back, Outcome};
use tenancy_fleet::seeds::SeedSet;

use super::stage::Stage;
use super::{DONE, NOTES, TAGS, on_every_ground, set};

on_every_ground!(a_base_goes_up_and_down);

async fn a_base_goes_up_and_down(stage: Stage) {
    let (base, limits) = (stage.base(), Limits::default());
    let all = set(&[NOTES, DONE, TAGS]);
    let moved = |from, to, versions: &[i64]| Outcome::Moved {
        from,
        to,
        versions: versions.to_vec(),
    };
    let would = base.foresee(&all, Some(2), &limits).await.unwrap();
    assert!(
        matches!(would, Outcome::Would { to: Some(2), .. }),
        "{would:?}"
    );
    let outcome = base.migrate(&all, Some(2), &limits).await.unwrap();
    assert_eq!(outcome, moved(None, Some(2), &[1, 2]));
    let outcome = base.migrate(&all, None, &limits).await.unwrap();
    assert_eq!(outcome, moved(Some(2), Some(3), &[3]));
    assert_eq!(
        base.migrate(&all, None, &limits).await,
        Ok(Outcome::Current)
    );
    let outcome = base.rollback(&all, Back::Steps(2), &limits).await.unwrap();
    assert_eq!(outcome, moved(Some(3), Some(1), &[3, 2]));
    let error = base.migrate(&all, Some(9), &limits).await.unwrap_err();
    assert_eq!(error, MigrationError::NotInSet { version: 9 });
    let error = base
        .resolve(&all, 1, Resolution::Applied)
        .await
        .unwrap_err();
    assert_eq!(error, MigrationError::NotUnfinished { version: 1 });
    let mut side = stage.side().await;
    side.run("INSERT INTO notes (id, title) VALUES (1, 'kept')")
        .await;

    let folder = tempfile::tempdir().unwrap();
    let seed = "INSERT INTO notes (id, title) VALUES (2, 'sown')";
    std::fs::write(folder.path().join("notes.sql"), seed).unwrap();
    let seeds = SeedSet::from_folder(folder.path()).await.unwrap();
    let outcome = base.seed(&seeds, false, &limits).await.unwrap();
    assert_eq!(outcome.to_string(), "seeded notes");
    assert_eq!(
        base.seed(&seeds, false, &limits).await,
        Ok(Outcome::Current)
    );
    assert_eq!(side.number("SELECT count(*) FROM notes").await, 2);
    let outcome = base.rollback(&all, Back::Nothing, &limits).await.unwrap();
    assert_eq!(outcome, moved(Some(1), None, &[1]));
    stage.end().await;
}
