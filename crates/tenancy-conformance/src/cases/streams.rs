//! Rows that stream out of a scope, with the connection that they come from.

use futures_util::StreamExt as _;

use crate::RowStream;
use crate::scene::{Player, Scene};
use crate::verdict::{Stop, Verdict, ensure};

/// So many rows that no buffer holds them all.
const LONG: &str =
    "SELECT title::text FROM conformance.notes, pg_catalog.generate_series(1, 20000)";

async fn opened(scene: &Scene<'_>, player: &Player, sql: &str) -> Verdict<RowStream> {
    let sql = scene.written(sql);
    let opening = scene.harness.stream(player.scope(), &sql);
    let stream = opening.ok_or(Stop::NotOffered)?.await;
    stream.map_err(|error| Stop::failed(format!("the adapter opened no stream: {error}")))
}

/// The rest of a stream, looked through: how many rows.
async fn drained(scene: &Scene<'_>, player: &Player, mut stream: RowStream) -> Verdict<usize> {
    let other = scene.opposite(player);
    let mut rows = 0;
    while let Some(row) = stream.next().await {
        let row = row.map_err(|error| Stop::failed(format!("a stream broke off: {error}")))?;
        ensure!(
            !row.iter().flatten().any(|value| other.side.owns(value)),
            "the other tenant's row came in a stream"
        );
        rows += 1;
    }
    Ok(rows)
}

/// Exactly the own rows, each time.
pub(super) async fn own_rows(scene: &Scene<'_>) -> Verdict {
    for player in [&scene.me, &scene.other, &scene.me] {
        let stream = opened(
            scene,
            player,
            "SELECT id::text, title::text FROM conformance.notes",
        )
        .await?;
        let rows = drained(scene, player, stream).await?;
        ensure!(rows == 4, "{rows} rows of 4 were streamed");
        scene.still_serves(player).await?;
    }
    Ok(())
}

/// Given up after some rows, or before the first: whoever comes next reads its own.
pub(super) async fn given_up(scene: &Scene<'_>) -> Verdict {
    for taken in [0, 1, 1000] {
        let mut stream = opened(scene, &scene.me, LONG).await?;
        for _ in 0..taken {
            ensure!(
                matches!(stream.next().await, Some(Ok(_))),
                "a long stream ended early"
            );
        }
        drop(stream);
        scene.still_serves(&scene.other).await?;
        scene.still_serves(&scene.me).await?;
    }
    Ok(())
}

/// A stream that outlives its scope finishes, with its tenant's rows alone; nothing new is opened.
pub(super) async fn outlives(scene: &Scene<'_>) -> Verdict {
    let mut player = Player::new(&scene.me.side).await?;
    let stream = opened(scene, &player, LONG).await?;
    player.end().await?;
    let rows = drained(scene, &scene.me, stream).await?;
    ensure!(rows == 80_000, "{rows} rows of 80000 were streamed");
    ensure!(
        opened(scene, &player, LONG).await.is_err(),
        "a stream was opened in a scope that has ended"
    );
    scene.still_serves(&scene.other).await
}
