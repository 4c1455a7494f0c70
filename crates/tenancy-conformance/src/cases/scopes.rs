//! The adapter's own door: which scopes it opens a connection for.

use crate::Body;
use crate::scene::{Player, Scene};
use crate::session::BodyEnding;
use crate::verdict::{Verdict, ensure};

/// Every verb refuses `player`'s scope as it is now.
async fn all_refused(scene: &Scene<'_>, player: &Player, what: &str) -> Verdict {
    let body = Body::new(&["SELECT * FROM conformance.notes"], BodyEnding::Ok);
    ensure!(
        scene.harness.acquire(player.scope()).await.is_err(),
        "acquire served {what}"
    );
    ensure!(
        scene.harness.begin(player.scope()).await.is_err(),
        "begin served {what}"
    );
    ensure!(
        scene.transaction(player, &body).await?.is_err(),
        "transaction served {what}"
    );
    Ok(())
}

/// A ticket that outlived its scope opens nothing; what was opened before may finish.
pub(super) async fn ended(scene: &Scene<'_>) -> Verdict {
    let mut player = Player::new(&scene.me.side).await?;
    {
        let mut session = scene.acquire(&player).await?;
        scene.reads_own(&player, &mut session).await?;
    }
    player.end().await?;
    all_refused(scene, &player, "a scope that has ended").await?;
    scene.still_serves(&scene.other).await
}

/// One tenant's scope is not used inside another's.
pub(super) async fn mismatch(scene: &Scene<'_>) -> Verdict {
    let inside = all_refused(scene, &scene.me, "one tenant's scope inside another's");
    scene.other.scope().scope(inside).await?;
    scene.still_serves(&scene.me).await
}
