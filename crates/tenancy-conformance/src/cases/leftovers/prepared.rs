//! Statements and transactions that were prepared, and what was put in their place.

use super::{after, heir};
use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// A statement that SQL prepared is not there for the next scope.
pub(in crate::cases) async fn prepared_by_sql(scene: &Scene<'_>) -> Verdict {
    let plants = &[
        "PREPARE mine AS SELECT 'left behind'",
        "PREPARE other(text) AS SELECT $1",
    ];
    let seen = after(
        scene,
        plants,
        "SELECT string_agg(name, ',') FROM pg_prepared_statements WHERE from_sql",
    )
    .await?;
    for seen in seen {
        ensure!(
            seen.is_empty(),
            "statements that SQL prepared are left: {seen}"
        );
    }
    Ok(())
}

/// The driver's cached statement is its own: SQL that put another in its place is not run in the
/// next scope.
pub(in crate::cases) async fn hijacked_statement(scene: &Scene<'_>) -> Verdict {
    const CACHED: &str = "SELECT title::text FROM conformance.notes WHERE id = $1::text::bigint";
    let heir = heir(scene);
    // The victim's statement gets into the cache of the connection.
    let mut session = scene.acquire_again(heir).await?;
    session.prepared(CACHED, &["1"]).await?;
    drop(session);
    let mut session = scene.acquire_again(&scene.me).await?;
    session.prepared(CACHED, &["1"]).await?;
    let left = session.pid().await?;
    let names = session.rows("SELECT name FROM pg_prepared_statements WHERE NOT from_sql AND statement LIKE '%conformance.notes WHERE id = $1::text::bigint%'").await?;
    for name in names.into_iter().flatten().flatten() {
        session
            .rows(&format!(
                "DEALLOCATE \"{name}\"; PREPARE \"{name}\"(text) AS SELECT 'hijacked'::text"
            ))
            .await?;
    }
    drop(session);
    let mut next = scene.acquire_again(heir).await?;
    scene.same_or_gone(&left, &mut next).await?;
    let rows = next.prepared(CACHED, &["1"]).await?;
    let title = rows
        .into_iter()
        .flatten()
        .flatten()
        .next()
        .unwrap_or_default();
    ensure!(
        title.contains(&heir.side.mark),
        "the driver's statement answered `{title}`"
    );
    Ok(())
}

/// Statements that SQL took from the driver fail at most; none answers for another.
pub(in crate::cases) async fn deallocated(scene: &Scene<'_>) -> Verdict {
    const ONE: &str = "SELECT title::text FROM conformance.notes WHERE id = $1::text::bigint";
    for plant in ["DEALLOCATE ALL", "DISCARD ALL", "DISCARD PLANS"] {
        let mut session = scene.acquire_again(&scene.me).await?;
        session.prepared(ONE, &["1"]).await?;
        session.attempt(plant).await?.map_err(Stop::failed)?;
        drop(session);
        let mut next = scene.acquire_again(heir(scene)).await?;
        // A lost statement may cost one error; then the scope serves again.
        let _ = next.attempt_prepared(ONE, &["1"]).await?;
        drop(next);
        scene.still_serves(heir(scene)).await?;
    }
    Ok(())
}

/// `enter` itself, where a driver keeps it prepared, can't be replaced to collect a proof.
pub(in crate::cases) async fn hijacked_enter(scene: &Scene<'_>) -> Verdict {
    scene.still_serves(&scene.other).await?;
    let mut session = scene.acquire_again(&scene.me).await?;
    let names = session
        .rows("SELECT name, parameter_types::text FROM pg_prepared_statements WHERE NOT from_sql AND statement LIKE '%tenancy.%'")
        .await?;
    for row in names {
        let [Some(name), Some(types)] = &row[..] else {
            continue;
        };
        let types = types.trim_matches(['{', '}']).to_owned();
        let last = types.split(',').count();
        let parameters = if types.is_empty() {
            String::new()
        } else {
            format!("({types})")
        };
        let keep = if types.is_empty() {
            "'x'".to_owned()
        } else {
            format!("${last}::text")
        };
        session
            .attempt(&format!(
                "DEALLOCATE \"{name}\"; PREPARE \"{name}\"{parameters} AS SELECT set_config('stolen.proof', {keep}, false)"
            ))
            .await?
            .map_err(Stop::failed)?;
    }
    drop(session);
    // The victim's enter goes to whatever stands there now.
    if let Ok(mut victim) = scene.acquire_again(&scene.other).await {
        scene.reads_own(&scene.other, &mut victim).await?;
    }
    let mut session = scene.acquire_again(&scene.me).await?;
    let stolen = session
        .value("SELECT current_setting('stolen.proof', true)")
        .await?;
    ensure!(
        stolen.is_empty(),
        "the next tenant's proof was collected by a statement in the place of `enter`"
    );
    Ok(())
}

/// A prepared transaction, whose locks outlive its connection and whose COMMIT needs no scope.
pub(in crate::cases) async fn prepared_transactions(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire_again(&scene.me).await?;
    session
        .rows("BEGIN; UPDATE conformance.notes SET title = 'held'")
        .await?;
    let prepared = session.attempt("PREPARE TRANSACTION 'conformance'").await?;
    if prepared.is_ok() {
        scene
            .stage
            .administer("ROLLBACK PREPARED 'conformance'")
            .await?;
    }
    ensure!(
        prepared.is_err(),
        "a transaction could be prepared: set max_prepared_transactions = 0"
    );
    Ok(())
}
