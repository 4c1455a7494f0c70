//! Many scopes at once, on a pool of one.

use futures_util::future::try_join_all;

use crate::scene::Scene;
use crate::verdict::{Verdict, ensure};

/// How many scopes wait for the one connection.
const CROWD: usize = 24;

/// Sessions of both tenants, interleaved: each reads its own rows, twice.
pub(super) async fn sessions(scene: &Scene<'_>) -> Verdict {
    try_join_all((0..CROWD).map(|turn| async move {
        let player = if turn % 2 == 0 {
            &scene.me
        } else {
            &scene.other
        };
        let mut session = scene.acquire(player).await?;
        scene.reads_own(player, &mut session).await?;
        tokio::task::yield_now().await;
        scene.reads_own(player, &mut session).await
    }))
    .await?;
    Ok(())
}

/// Transactions of both, some kept and some not: each row lands with its own tenant.
pub(super) async fn transactions(scene: &Scene<'_>) -> Verdict {
    try_join_all((0..CROWD).map(|turn| async move {
        let player = if turn % 2 == 0 {
            &scene.me
        } else {
            &scene.other
        };
        let mut transaction = scene.begin(player).await?;
        transaction
            .rows(&format!(
                "INSERT INTO conformance.notes (id, title) VALUES ({}, '{}')",
                3000 + turn,
                player.side.mark
            ))
            .await?;
        tokio::task::yield_now().await;
        match turn % 3 {
            0 => drop(transaction.commit().await?),
            1 => drop(transaction.rollback().await?),
            _ => drop(transaction),
        }
        Verdict::Ok(())
    }))
    .await?;
    scene.still_serves(&scene.me).await?;
    for player in [&scene.me, &scene.other] {
        let kept = scene.count(player, "id >= 3000").await?;
        let own = scene
            .count(
                player,
                &format!("id >= 3000 AND title = '{}'", player.side.mark),
            )
            .await?;
        ensure!(
            kept == own,
            "{} of {kept} rows landed with the wrong tenant",
            kept - own
        );
        ensure!(
            kept == CROWD as u64 / 6,
            "{kept} rows were kept of {}",
            CROWD / 6
        );
    }
    Ok(())
}
