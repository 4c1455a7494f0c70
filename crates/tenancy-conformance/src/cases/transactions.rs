//! Transactions, savepoints and the closure's verb.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::Body;
use crate::scene::Scene;
use crate::session::BodyEnding;
use crate::verdict::{Stop, Verdict, ensure};

const INSERT: &str = "INSERT INTO conformance.notes (id, title) VALUES (300, 'kept')";

/// A commit keeps, a rollback and a drop do not.
pub(super) async fn endings(scene: &Scene<'_>) -> Verdict {
    let mut dropped = scene.begin(&scene.me).await?;
    dropped.rows(INSERT).await?;
    drop(dropped);
    // The next checkout waits until the drop was dealt with.
    scene.still_serves(&scene.other).await?;
    ensure!(
        scene.count(&scene.me, "id = 300").await? == 0,
        "a dropped transaction was committed"
    );

    let mut rolled_back = scene.begin(&scene.me).await?;
    rolled_back.rows(INSERT).await?;
    let _ = rolled_back.rollback().await?;
    scene.still_serves(&scene.me).await?;
    ensure!(
        scene.count(&scene.me, "id = 300").await? == 0,
        "a rolled-back transaction was committed"
    );

    let mut committed = scene.begin(&scene.me).await?;
    committed.rows(INSERT).await?;
    committed
        .commit()
        .await?
        .map_err(|error| Stop::failed(format!("commit: {error}")))?;
    ensure!(
        scene.count(&scene.me, "id = 300").await? == 1,
        "a committed row is not there"
    );
    Ok(())
}

/// A savepoint that is rolled back gives nothing back that was left.
pub(super) async fn savepoints(scene: &Scene<'_>) -> Verdict {
    let mut transaction = scene.begin(&scene.me).await?;
    transaction.rows("SAVEPOINT a").await?;
    transaction.rows(INSERT).await?;
    transaction.refused("SELECT 1/0").await?;
    transaction.rows("ROLLBACK TO SAVEPOINT a").await?;
    let rows = transaction
        .rows("SELECT id, title FROM conformance.notes ORDER BY id")
        .await?;
    scene.is_all_of(&scene.me, &rows).await?;
    if scene.tier().is_sealed() {
        transaction
            .rows("SAVEPOINT b; SELECT tenancy.leave(); ROLLBACK TO SAVEPOINT b")
            .await?;
        transaction
            .refused_as("SELECT * FROM conformance.notes", &["TN001", "55000"])
            .await?;
    }
    let _ = transaction.rollback().await?;
    scene.still_serves(&scene.other).await
}

/// A transaction that failed leaves nothing for the next scope to trip over.
pub(super) async fn failed(scene: &Scene<'_>) -> Verdict {
    let mut transaction = scene.begin(&scene.me).await?;
    transaction.rows(INSERT).await?;
    transaction.refused("SELECT 1/0").await?;
    drop(transaction);
    scene.still_serves(&scene.other).await?;
    let mut session = scene.acquire(&scene.me).await?;
    session.rows("BEGIN").await?;
    session.rows(INSERT).await?;
    session.refused("SELECT 1/0").await?;
    drop(session);
    scene.still_serves(&scene.other).await?;
    ensure!(
        scene.count(&scene.me, "id = 300").await? == 0,
        "a failed transaction was committed"
    );
    Ok(())
}

/// The scope of a transaction is over with it: a raw COMMIT leads to no data.
pub(super) async fn bound(scene: &Scene<'_>) -> Verdict {
    for end in [
        "COMMIT",
        "ROLLBACK",
        "COMMIT AND CHAIN",
        "ROLLBACK AND CHAIN",
    ] {
        let mut transaction = scene.begin(&scene.me).await?;
        transaction.rows(end).await?;
        transaction
            .refused_as("SELECT * FROM conformance.notes", &["TN001", "55000"])
            .await
            .map_err(|stop| match stop {
                Stop::Failed(what) => Stop::Failed(format!("after a raw {end}: {what}")),
                other => other,
            })?;
        drop(transaction);
        scene.still_serves(&scene.other).await?;
    }
    Ok(())
}

/// COMMIT and BEGIN in one message, in which `now()` stands still, open nobody else's scope.
pub(super) async fn commit_and_begin(scene: &Scene<'_>) -> Verdict {
    let mut transaction = scene.begin(&scene.me).await?;
    let _ = transaction
        .attempt("COMMIT; BEGIN; SELECT * FROM conformance.notes")
        .await?;
    let _ = transaction.attempt("SELECT 1").await?;
    drop(transaction);
    scene.still_serves(&scene.other).await?;
    let mut session = scene.acquire(&scene.me).await?;
    let _ = session
        .attempt("BEGIN; SELECT 1; COMMIT; BEGIN; SELECT * FROM conformance.notes")
        .await?;
    drop(session);
    scene.still_serves(&scene.other).await
}

/// What a session begins by hand and does not end is undone.
pub(super) async fn left_open(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    session.rows("BEGIN").await?;
    session.rows(INSERT).await?;
    session
        .rows("UPDATE conformance.notes SET title = 'open'")
        .await?;
    let left = session.pid().await?;
    drop(session);
    let mut next = scene.acquire_again(&scene.other).await?;
    scene.same_or_gone(&left, &mut next).await?;
    scene.reads_own(&scene.other, &mut next).await?;
    let assigned = next
        .value("SELECT pg_current_xact_id_if_assigned()")
        .await?;
    ensure!(
        assigned.is_empty(),
        "the next scope runs inside the transaction that was left open"
    );
    drop(next);
    scene
        .until(
            &format!(
                "SELECT count(*) = 0 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = {} AND l.pid <> pg_backend_pid() \
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                scene.me.side.place.literal()
            ),
            "an idle connection holds locks: its transaction was left open",
        )
        .await?;
    ensure!(
        scene.count(&scene.me, "id = 300 OR title = 'open'").await? == 0,
        "what was left open was committed"
    );
    Ok(())
}

/// The closure's verb: `Ok` commits.
pub(super) async fn closure_ok(scene: &Scene<'_>) -> Verdict {
    let body = Body::new(
        &[
            INSERT,
            "SELECT id, title FROM conformance.notes ORDER BY id",
        ],
        BodyEnding::Ok,
    );
    let rows = scene
        .transaction(&scene.me, &body)
        .await?
        .map_err(Stop::failed)?;
    scene.is_all_of(&scene.me, &rows).await?;
    ensure!(
        scene.count(&scene.me, "id = 300").await? == 1,
        "what the closure did is not there"
    );
    Ok(())
}

/// An error of the closure's, or of a statement in it, rolls back and comes out.
pub(super) async fn closure_err(scene: &Scene<'_>) -> Verdict {
    for body in [
        Body::new(&[INSERT], BodyEnding::Err),
        Body::new(&[INSERT, "SELECT 1/0"], BodyEnding::Ok),
        Body::new(&[INSERT, "SAVEPOINT s"], BodyEnding::Err),
    ] {
        let result = scene.transaction(&scene.me, &body).await?;
        ensure!(result.is_err(), "a closure's error did not come out");
        scene.still_serves(&scene.other).await?;
        ensure!(
            scene.count(&scene.me, "id = 300").await? == 0,
            "a failed closure was committed"
        );
    }
    Ok(())
}

/// A panic in the closure rolls back, comes out, and costs no connection.
pub(super) async fn closure_panic(scene: &Scene<'_>) -> Verdict {
    for _ in 0..3 {
        let body = Body::new(&[INSERT], BodyEnding::Panic);
        let result = AssertUnwindSafe(scene.transaction(&scene.me, &body))
            .catch_unwind()
            .await;
        ensure!(result.is_err(), "a closure's panic was swallowed");
        scene.still_serves(&scene.other).await?;
        ensure!(
            scene.count(&scene.me, "id = 300").await? == 0,
            "a closure that panicked was committed"
        );
    }
    Ok(())
}

/// A panic while a session or a transaction is held gives both back clean.
pub(super) async fn panic(scene: &Scene<'_>) -> Verdict {
    for _ in 0..3 {
        let held = AssertUnwindSafe(async {
            let mut session = scene.acquire(&scene.me).await?;
            session.rows("BEGIN").await?;
            session.rows(INSERT).await?;
            std::panic::resume_unwind(Box::new("on purpose"));
            #[allow(unreachable_code)]
            Verdict::Ok(())
        });
        if let Ok(verdict) = held.catch_unwind().await {
            return verdict.and(Err(Stop::failed("the panic was swallowed")));
        }
        scene.still_serves(&scene.other).await?;
        let held = AssertUnwindSafe(async {
            let mut transaction = scene.begin(&scene.me).await?;
            transaction.rows(INSERT).await?;
            std::panic::resume_unwind(Box::new("on purpose"));
            #[allow(unreachable_code)]
            Verdict::Ok(())
        });
        if let Ok(verdict) = held.catch_unwind().await {
            return verdict.and(Err(Stop::failed("the panic was swallowed")));
        }
        scene.still_serves(&scene.other).await?;
        ensure!(
            scene.count(&scene.me, "id = 300").await? == 0,
            "what panicked was committed"
        );
    }
    Ok(())
}
