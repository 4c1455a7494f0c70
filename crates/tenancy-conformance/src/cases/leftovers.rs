//! What one scope leaves on the connection, and the next must not find.

use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// Runs `plants` in one scope of the attacker's, then answers what `look` sees in the victim's.
async fn after(scene: &Scene<'_>, plants: &[&str], look: &str) -> Verdict<String> {
    let mut session = scene.acquire_again(&scene.me).await?;
    let left = session.pid().await?;
    for plant in plants {
        // What is refused leaves nothing.
        let _ = session.attempt(plant).await?;
    }
    drop(session);
    // At once: a connection that can't be cleaned is not the next scope's business.
    let mut next = scene.acquire(&scene.other).await?;
    scene.same_or_gone(&left, &mut next).await?;
    let seen = next.value(look).await?;
    scene.reads_own(&scene.other, &mut next).await?;
    Ok(seen)
}

/// Every setting is as it was, whichever way it was changed.
pub(super) async fn settings(scene: &Scene<'_>) -> Verdict {
    // Not the ones that only report what the transaction is doing.
    const ALL: &str = "SELECT string_agg(name || '=' || setting, chr(10) ORDER BY name) FROM pg_settings \
                       WHERE name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'is_superuser')";
    const PLANTS: &[&str] = &[
        "SET statement_timeout = 77777",
        "SELECT set_config('lock_timeout', '77777', false)",
        "SELECT query_to_xml('SELECT set_config(''idle_session_timeout'', ''777777'', false)', true, false, '')",
        "SET search_path = pg_temp, conformance",
        "SET TimeZone = 'Antarctica/Troll'",
        "SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = -10",
        "SET bytea_output = 'escape'; SET standard_conforming_strings = off",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET synchronous_commit = off; SET row_security = off",
        "SET application_name = 'mine'",
        "SET client_min_messages = error",
        "SET my.own = 'left'; SELECT set_config('tenancy.own', 'left', false)",
        "BEGIN; SET work_mem = '64kB'; COMMIT",
    ];
    let mut session = scene.acquire_again(&scene.other).await?;
    let before = session.value(ALL).await?;
    drop(session);
    let now = after(scene, PLANTS, ALL).await?;
    let changed: Vec<_> = now
        .lines()
        .filter(|line| !before.lines().any(|was| was == *line))
        .collect();
    ensure!(
        changed.is_empty(),
        "settings are left: {}",
        changed.join(", ")
    );
    let own = after(
        scene,
        PLANTS,
        "SELECT concat(current_setting('my.own', true), current_setting('tenancy.own', true))",
    )
    .await?;
    ensure!(
        own.is_empty(),
        "a setting of the attacker's own name is left"
    );
    Ok(())
}

/// A hostile read-only session keeps neither the scope alive nor the next from writing.
pub(super) async fn read_only(scene: &Scene<'_>) -> Verdict {
    for plant in [
        "SET default_transaction_read_only = on",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "BEGIN READ ONLY",
        "SET default_transaction_isolation = serializable; SET default_transaction_deferrable = on; SET default_transaction_read_only = on",
        "SELECT set_config('default_transaction_read_only', 'on', false)",
    ] {
        let seen = after(scene, &[plant], "SHOW transaction_read_only").await?;
        ensure!(seen == "off", "the next scope is read-only after: {plant}");
        let mut next = scene.acquire_again(&scene.other).await?;
        next.rows("BEGIN; UPDATE conformance.notes SET amount = amount; ROLLBACK")
            .await?;
    }
    Ok(())
}

/// A role that was taken is given back.
pub(super) async fn role(scene: &Scene<'_>) -> Verdict {
    let stage = scene.stage;
    let runtime = &stage.runtime_role;
    let member = format!("{runtime}_member");
    stage
        .administer(&format!(
            "DROP ROLE IF EXISTS \"{member}\"; CREATE ROLE \"{member}\" NOLOGIN; GRANT \"{member}\" TO \"{runtime}\""
        ))
        .await?;
    let mut verdict = Ok(());
    for plant in [
        format!("SET ROLE \"{member}\""),
        format!("SELECT set_config('role', '{member}', false)"),
    ] {
        let seen = after(scene, &[&plant], "SELECT current_user = session_user").await;
        verdict = verdict.and(seen.and_then(|seen| {
            ensure!(
                seen == "t",
                "the next scope runs as another role after: {plant}"
            );
            Ok(())
        }));
    }
    stage
        .administer(&format!(
            "REVOKE \"{member}\" FROM \"{runtime}\"; DROP ROLE \"{member}\""
        ))
        .await?;
    verdict
}

/// The next scope's random numbers can't be predicted.
pub(super) async fn random_seed(scene: &Scene<'_>) -> Verdict {
    scene.stage.ask("SELECT setseed(0.4242)").await?;
    let predicted = scene.stage.ask("SELECT random()").await?;
    let seen = after(scene, &["SELECT setseed(0.4242)"], "SELECT random()").await?;
    ensure!(
        seen != predicted,
        "the next scope's random() is the attacker's"
    );
    Ok(())
}

/// A cursor that was held is closed.
pub(super) async fn hold_cursors(scene: &Scene<'_>) -> Verdict {
    let plants = &[
        "DECLARE kept CURSOR WITH HOLD FOR SELECT * FROM conformance.notes",
        "FETCH 1 FROM kept",
    ];
    let seen = after(
        scene,
        plants,
        "SELECT string_agg(name, ',') FROM pg_cursors WHERE is_holdable",
    )
    .await?;
    ensure!(
        seen.is_empty(),
        "the cursor {seen} is left, with the rows of the scope before"
    );
    let mut next = scene.acquire_again(&scene.other).await?;
    next.refused("FETCH ALL FROM kept").await?;
    Ok(())
}

/// A channel that was listened to is left.
pub(super) async fn listeners(scene: &Scene<'_>) -> Verdict {
    let plants = &["LISTEN secrets", "BEGIN; LISTEN more; COMMIT"];
    let seen = after(
        scene,
        plants,
        "SELECT string_agg(c, ',') FROM pg_listening_channels() AS c",
    )
    .await?;
    ensure!(seen.is_empty(), "the connection still listens to {seen}");
    Ok(())
}

/// Locks that outlive a transaction are given back.
pub(super) async fn advisory_locks(scene: &Scene<'_>) -> Verdict {
    let plants = &[
        "SELECT pg_advisory_lock(4242), pg_advisory_lock(42, 42)",
        "SELECT pg_advisory_lock_shared(4243)",
        "SELECT pg_try_advisory_lock(4242)",
    ];
    let left = after(
        scene,
        plants,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    )
    .await?;
    ensure!(left == "0", "{left} advisory locks are left");
    // Also while nobody has the connection.
    scene
        .until(
            "SELECT pg_try_advisory_xact_lock(4242) AND pg_try_advisory_xact_lock(42, 42)",
            "an idle connection keeps advisory locks",
        )
        .await
}

/// Nothing temporary is left, even where the runtime role came to make it.
pub(super) async fn temporary(scene: &Scene<'_>) -> Verdict {
    let plants = &[
        "CREATE TEMPORARY TABLE notes AS SELECT * FROM conformance.notes",
        "CREATE TEMPORARY TABLE kept (a int) ON COMMIT PRESERVE ROWS",
        "CREATE TEMPORARY SEQUENCE counter",
    ];
    let seen = after(
        scene,
        plants,
        "SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
    )
    .await?;
    ensure!(seen.is_empty(), "temporary objects are left: {seen}");
    Ok(())
}

/// A statement that SQL prepared is not there for the next scope.
pub(super) async fn prepared_by_sql(scene: &Scene<'_>) -> Verdict {
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
    ensure!(
        seen.is_empty(),
        "statements that SQL prepared are left: {seen}"
    );
    Ok(())
}

/// The driver's cached statement is its own: SQL that put another in its place is not run in the
/// next scope.
pub(super) async fn hijacked_statement(scene: &Scene<'_>) -> Verdict {
    const CACHED: &str = "SELECT title::text FROM conformance.notes WHERE id = $1::text::bigint";
    // The victim's statement gets into the cache of the connection.
    let mut session = scene.acquire_again(&scene.other).await?;
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
    let mut next = scene.acquire_again(&scene.other).await?;
    scene.same_or_gone(&left, &mut next).await?;
    let rows = next.prepared(CACHED, &["1"]).await?;
    let title = rows
        .into_iter()
        .flatten()
        .flatten()
        .next()
        .unwrap_or_default();
    ensure!(
        title.contains(&scene.other.side.mark),
        "the driver's statement answered `{title}`"
    );
    Ok(())
}

/// Statements that SQL took from the driver fail at most; none answers for another.
pub(super) async fn deallocated(scene: &Scene<'_>) -> Verdict {
    const ONE: &str = "SELECT title::text FROM conformance.notes WHERE id = $1::text::bigint";
    for plant in ["DEALLOCATE ALL", "DISCARD ALL", "DISCARD PLANS"] {
        let mut session = scene.acquire_again(&scene.me).await?;
        session.prepared(ONE, &["1"]).await?;
        session.attempt(plant).await?.map_err(Stop::failed)?;
        drop(session);
        let mut next = scene.acquire_again(&scene.other).await?;
        // A lost statement may cost one error; then the scope serves again.
        let _ = next.attempt_prepared(ONE, &["1"]).await?;
        drop(next);
        scene.still_serves(&scene.other).await?;
    }
    Ok(())
}

/// `enter` itself, where a driver keeps it prepared, can't be replaced to collect a proof.
pub(super) async fn hijacked_enter(scene: &Scene<'_>) -> Verdict {
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
pub(super) async fn prepared_transactions(scene: &Scene<'_>) -> Verdict {
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

/// `ALTER ROLE CURRENT_USER SET ..` gives later connections nothing: they are refused, or the
/// setting is pinned.
pub(super) async fn role_settings(scene: &Scene<'_>) -> Verdict {
    let kept = scene.stage.role_settings().await?;
    let mut verdict = Ok(());
    for (setting, value) in [
        ("default_transaction_read_only", "on"),
        ("standard_conforming_strings", "off"),
        ("search_path", "conformance, pg_temp"),
        ("row_security", "off"),
        ("synchronous_commit", "off"),
        ("default_transaction_isolation", "serializable"),
    ] {
        let found = new_connection_with(scene, setting, value).await;
        scene.stage.restore_role_settings(&kept).await?;
        verdict = verdict.and(found);
    }
    scene.new_connection().await?;
    scene.still_serves(&scene.other).await?;
    verdict
}

async fn new_connection_with(scene: &Scene<'_>, setting: &str, value: &str) -> Verdict {
    let show = format!("SHOW {setting}");
    scene.new_connection().await?;
    let mut session = scene.acquire_again(&scene.me).await?;
    let before = session.value(&show).await?;
    let alter = format!("ALTER ROLE CURRENT_USER SET {setting} = {value}");
    if session.attempt(&alter).await?.is_err() {
        // Refused is best. What an administrator's hand would do, injected SQL can't.
        return Ok(());
    }
    drop(session);
    scene.new_connection().await?;
    match scene.acquire_again(&scene.other).await {
        // No connection over a changed role is a good answer.
        Err(Stop::Failed(_)) => Ok(()),
        Err(skipped) => Err(skipped),
        Ok(mut next) => {
            let now = next.value(&show).await?;
            ensure!(
                now == before,
                "a new connection has {setting} = {now} from injected SQL"
            );
            scene.reads_own(&scene.other, &mut next).await
        }
    }
}
