//! Futures that are dropped, queries that are dropped, connections that are killed.

use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;

use crate::Body;
use crate::polled::polled;
use crate::scene::{Player, Scene};
use crate::session::BodyEnding;
use crate::verdict::{Stop, Verdict, ensure};

/// No verb needs more polls than this; a sweep that reaches it ends there.
pub(super) const MOST: usize = 40;
const ROUNDS: usize = 4;

/// After a dropped future: the other tenant's scope is its own, and its writes are kept.
async fn is_unharmed(scene: &Scene<'_>, player: &Player, at: usize) -> Verdict {
    let whose = |stop| match stop {
        Stop::Failed(what) => Stop::Failed(format!("after a future dropped at poll {at}: {what}")),
        other => other,
    };
    let mut session = scene.acquire_again(player).await.map_err(whose)?;
    scene.reads_own(player, &mut session).await.map_err(whose)?;
    drop(session);
    scene
        .write(
            player,
            "UPDATE conformance.notes SET amount = amount + 1 WHERE id = 1",
        )
        .await
        .map_err(whose)
}

/// After a dropped future of its own: a tenant reads its rows, and those that a commit that was
/// dropped may still bring.
async fn is_own(scene: &Scene<'_>, player: &Player, at: usize) -> Verdict {
    let mut session = scene.acquire_again(player).await?;
    let rows = session
        .rows("SELECT id, title FROM conformance.notes")
        .await?;
    let own = rows
        .iter()
        .flatten()
        .flatten()
        .filter(|value| player.side.owns(value))
        .count();
    ensure!(
        own >= 4,
        "after a future dropped at poll {at}: {own} of 4 own rows"
    );
    Ok(())
}

/// The amount of the note that every sweep adds to.
async fn amount(player: &Player) -> Verdict<i64> {
    let sql = format!(
        "SELECT amount FROM conformance.notes WHERE id = 1 AND tenant_id = {}",
        player.side.literal()
    );
    let amount = player.side.place.ask(&sql).await?;
    amount.parse().map_err(Stop::failed)
}

/// Every acknowledged write of a sweep is there.
async fn sweep<'f, F, Fut>(scene: &'f Scene<'f>, work: F) -> Verdict
where
    F: Fn() -> Fut,
    Fut: Future + 'f,
{
    let before = amount(&scene.other).await?;
    let mut writes = 0;
    // Where a future is when it is dropped also depends on when answers arrive.
    for round in 0..ROUNDS {
        for times in 1..=MOST {
            let done = polled(times, work()).await.is_some();
            if round % 2 == 1 {
                // Its own next scope first: a connection may believe to be where it never came.
                is_own(scene, &scene.me, times).await?;
            }
            is_unharmed(scene, &scene.other, times).await?;
            writes += 1;
            if done {
                break;
            }
        }
    }
    let after = amount(&scene.other).await?;
    ensure!(
        after == before + writes,
        "{} of {writes} acknowledged writes are there",
        after - before
    );
    Ok(())
}

/// What is read and written by what is dropped.
fn work(scene: &Scene<'_>) -> (String, String) {
    (
        scene.written("SELECT id::text FROM conformance.notes"),
        scene.written("UPDATE conformance.notes SET title = title"),
    )
}

/// Dropped at every await of a checkout, a read and the release.
pub(super) async fn acquire(scene: &Scene<'_>) -> Verdict {
    let (read, write) = work(scene);
    sweep(scene, || async {
        let Ok(mut session) = scene.harness.acquire(scene.me.scope()).await else {
            return;
        };
        let _ = session.prepared(&read, &[]).await;
        let _ = session.simple(&write).await;
    })
    .await
}

/// Dropped at every await of a transaction, its statements and its commit.
pub(super) async fn begin(scene: &Scene<'_>) -> Verdict {
    let (read, write) = work(scene);
    sweep(scene, || async {
        let Ok(mut transaction) = scene.harness.begin(scene.me.scope()).await else {
            return;
        };
        let _ = transaction.simple(&write).await;
        let _ = transaction.prepared(&read, &[]).await;
        let _ = transaction.commit().await;
    })
    .await
}

/// Dropped at every await of the closure's verb; half a closure is never kept.
pub(super) async fn closure(scene: &Scene<'_>) -> Verdict {
    let body = Body::new(
        &[
            "INSERT INTO conformance.notes (id, title) SELECT max(id) + 1, 'half' FROM conformance.notes",
            "INSERT INTO conformance.notes (id, title) SELECT max(id) + 1, 'half' FROM conformance.notes",
        ],
        BodyEnding::Ok,
    );
    let body = scene.body(&body);
    sweep(scene, || {
        AssertUnwindSafe(scene.harness.transaction(scene.me.scope(), &body)).catch_unwind()
    })
    .await?;
    let halves = scene.count(&scene.me, "title = 'half'").await?;
    ensure!(
        halves % 2 == 0,
        "half of a closure was committed ({halves} rows)"
    );
    Ok(())
}

/// Futures dropped by a time-out while they wait for the connection cost nothing.
pub(super) async fn waiting(scene: &Scene<'_>) -> Verdict {
    let mut held = scene.acquire(&scene.other).await?;
    for _ in 0..8 {
        ensure!(
            timeout(
                Duration::from_millis(3),
                scene.harness.acquire(scene.me.scope())
            )
            .await
            .is_err(),
            "a second connection was handed out: build the harness with one"
        );
        ensure!(
            timeout(
                Duration::from_millis(3),
                scene.harness.begin(scene.me.scope())
            )
            .await
            .is_err(),
            "a second connection was handed out: build the harness with one"
        );
    }
    scene.reads_own(&scene.other, &mut held).await?;
    drop(held);
    scene.still_serves(&scene.me).await
}

/// A query whose future was dropped ends on the server, and holds up nobody.
pub(super) async fn dropped_query(scene: &Scene<'_>) -> Verdict {
    const SLEEP: &str = "SELECT pg_advisory_xact_lock(777), pg_sleep(60)";
    const RUNS: &str = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 777 AND granted \
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    const ENDED: &str = "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 777 \
                         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    for in_transaction in [false, true] {
        let sleeping = async {
            if in_transaction {
                if let Ok(mut transaction) = scene.harness.begin(scene.me.scope()).await {
                    let _ = transaction.simple(SLEEP).await;
                }
            } else if let Ok(mut session) = scene.harness.acquire(scene.me.scope()).await {
                let _ = session.simple(SLEEP).await;
            }
        };
        tokio::select! {
            () = sleeping => return Err(Stop::failed("the query that was to be dropped ended by itself")),
            seen = scene.until(RUNS, "the query never ran") => seen?,
        }
        scene.still_serves(&scene.other).await?;
        scene
            .until(ENDED, "a dropped query still runs on the server")
            .await?;
    }
    Ok(())
}

/// The server's process is killed while it is idle, in a scope and in a transaction.
pub(super) async fn killed(scene: &Scene<'_>) -> Verdict {
    for _ in 0..2 {
        let mut session = scene.acquire_again(&scene.me).await?;
        let pid = session.pid().await?;
        scene.kill(&pid).await?;
        let _ = session.attempt("SELECT * FROM conformance.notes").await?;
        drop(session);
        scene.still_serves(&scene.other).await?;

        let mut transaction = scene.begin(&scene.me).await?;
        transaction
            .rows("INSERT INTO conformance.notes (id, title) VALUES (300, 'lost')")
            .await?;
        let pid = transaction.pid().await?;
        scene.kill(&pid).await?;
        let committed = transaction.commit().await?;
        ensure!(
            committed.is_err(),
            "a commit on a killed connection was acknowledged"
        );
        scene.still_serves(&scene.other).await?;
        ensure!(
            scene.count(&scene.me, "id = 300").await? == 0,
            "what was killed was committed"
        );

        let mut session = scene.acquire_again(&scene.other).await?;
        let pid = session.pid().await?;
        drop(session);
        scene.kill(&pid).await?;
        scene.still_serves(&scene.me).await?;
    }
    Ok(())
}

/// The process is killed in the midst of a query.
pub(super) async fn killed_in_query(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire_again(&scene.me).await?;
    let pid = session.pid().await?;
    let killing = async {
        scene
            .until(
                "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 778 AND granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                "the query never ran",
            )
            .await?;
        scene.kill(&pid).await
    };
    let (answer, killed) = tokio::join!(
        session.attempt("SELECT pg_advisory_xact_lock(778), pg_sleep(60)"),
        killing
    );
    killed?;
    ensure!(answer?.is_err(), "a killed query was answered");
    drop(session);
    scene.still_serves(&scene.other).await
}
