//! Many rows in one statement.

use tenancy_core::BoxError;

use super::cancellation::MOST;
use crate::polled::polled;
use crate::scene::{Player, Scene};
use crate::verdict::{Stop, Verdict, ensure};

const ROWS: i64 = 500;

async fn inserted(
    scene: &Scene<'_>,
    player: &Player,
    ids: Vec<i64>,
) -> Verdict<Result<u64, BoxError>> {
    let titles = vec![format!("{} in bulk", player.side.mark); ids.len()];
    let inserting = scene.harness.bulk_insert(player.scope(), ids, titles);
    Ok(inserting.ok_or(Stop::NotOffered)?.await)
}

/// Every row lands with its own tenant, also where the other has its key.
pub(super) async fn own_tenant(scene: &Scene<'_>) -> Verdict {
    let mut ids: Vec<i64> = (5000..5000 + ROWS - 1).collect();
    ids.push(scene.other.side.lone);
    let done = inserted(scene, &scene.me, ids).await?;
    let done = done.map_err(|error| Stop::failed(format!("a bulk insert failed: {error}")))?;
    let there = scene.count(&scene.me, "title LIKE '% in bulk'").await?;
    ensure!(
        done == ROWS.unsigned_abs() && there == done,
        "{done} of {ROWS} rows were inserted, and {there} are there"
    );
    scene.still_serves(&scene.me).await
}

/// One row that can't be written, and none is.
pub(super) async fn whole(scene: &Scene<'_>) -> Verdict {
    let done = inserted(scene, &scene.me, vec![5000, 5001, scene.me.side.lone]).await?;
    ensure!(done.is_err(), "a key was written twice");
    let there = scene.count(&scene.me, "title LIKE '% in bulk'").await?;
    ensure!(
        there == 0,
        "{there} rows of a refused bulk insert are there"
    );
    scene.still_serves(&scene.other).await
}

/// Dropped at any await it is done whole or not at all, and harms nobody.
pub(super) async fn dropped(scene: &Scene<'_>) -> Verdict {
    for times in 1..=MOST {
        let first = 10_000 + 1000 * i64::try_from(times).unwrap_or_default();
        let ids = (first..first + ROWS).collect();
        let done = polled(times, inserted(scene, &scene.me, ids)).await;
        scene.still_serves(&scene.other).await?;
        let there = scene
            .count(
                &scene.me,
                &format!("id >= {first} AND id < {}", first + ROWS),
            )
            .await?;
        ensure!(
            there == 0 || there == ROWS.unsigned_abs(),
            "{there} of {ROWS} rows of a dropped bulk insert are there"
        );
        match done {
            None => {}
            Some(Err(stop)) => return Err(stop),
            Some(Ok(_)) => break,
        }
    }
    // One that was dropped may still be at work, and would be taken for a leak by whoever looks next:
    // on the connection that answers now it is over, and every other one must be gone.
    scene.still_serves(&scene.me).await?;
    let connections = scene.stage.connections();
    scene
        .until(
            &format!(
                "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE mode = 'RowExclusiveLock' \
                 AND relation = 'conformance.notes'::regclass) AND ({} OR pg_catalog.count(*) <= \
                 pg_catalog.count(DISTINCT pg_catalog.concat(usename, ' ', datname))) \
                 FROM pg_catalog.pg_stat_activity WHERE {connections}",
                scene.tier().is_pooled()
            ),
            "a dropped bulk insert is still at work on the server",
        )
        .await
}
