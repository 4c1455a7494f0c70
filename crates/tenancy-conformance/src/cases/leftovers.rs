//! What one scope leaves on the connection, and the next must not find.

mod prepared;

pub(super) use self::prepared::{
    deallocated, hijacked_enter, hijacked_statement, prepared_by_sql, prepared_transactions,
};
use crate::place::{literal, quoted};
use crate::scene::{Player, Scene};
use crate::verdict::{Stop, Verdict, ensure};

/// Runs `plants` in one scope of the attacker's, then answers what `look` sees in the next scope on
/// that connection: the other tenant's, and in a second round the attacker's own, which is another
/// of its users'.
async fn after(scene: &Scene<'_>, plants: &[&str], look: &str) -> Verdict<[String; 2]> {
    Ok([
        after_for(scene, &scene.other, plants, look).await?,
        after_for(scene, &scene.me, plants, look).await?,
    ])
}

async fn after_for(
    scene: &Scene<'_>,
    heir: &Player,
    plants: &[&str],
    look: &str,
) -> Verdict<String> {
    let mut session = scene.acquire_again(&scene.me).await?;
    let left = session.pid().await?;
    for plant in plants {
        // What is refused leaves nothing.
        let _ = session.attempt(plant).await?;
        if scene.tier().is_pooled() {
            // Past the transaction that a checkout is, for that takes most of it back.
            let _ = session.attempt(&format!("COMMIT; {plant}")).await?;
        }
    }
    drop(session);
    // At once: a connection that can't be cleaned is not the next scope's business.
    let mut next = scene.acquire(heir).await?;
    scene.same_or_gone(&left, &mut next).await?;
    let seen = next.value(look).await?;
    scene.reads_own(heir, &mut next).await?;
    Ok(seen)
}

/// Who gets the attacker's connection next: where each tenant has a login, itself.
fn heir<'a>(scene: &'a Scene<'_>) -> &'a Player {
    if scene.tier().has_logins() {
        &scene.me
    } else {
        &scene.other
    }
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
    for heir in [&scene.other, &scene.me] {
        let mut session = scene.acquire_again(heir).await?;
        let before = session.value(ALL).await?;
        drop(session);
        let now = after_for(scene, heir, PLANTS, ALL).await?;
        let changed: Vec<_> = now
            .lines()
            .filter(|line| !before.lines().any(|was| was == *line))
            .collect();
        ensure!(
            changed.is_empty(),
            "settings are left: {}",
            changed.join(", ")
        );
    }
    let own =
        "SELECT concat(current_setting('my.own', true), current_setting('tenancy.own', true))";
    for own in after(scene, PLANTS, own).await? {
        ensure!(
            own.is_empty(),
            "a setting of the attacker's own name is left"
        );
    }
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
        for seen in after(scene, &[plant], "SHOW transaction_read_only").await? {
            ensure!(seen == "off", "the next scope is read-only after: {plant}");
        }
        let mut next = scene.acquire_again(heir(scene)).await?;
        next.rows("BEGIN; UPDATE conformance.notes SET amount = amount; ROLLBACK")
            .await?;
    }
    Ok(())
}

/// A role that was taken is given back.
pub(super) async fn role(scene: &Scene<'_>) -> Verdict {
    let role = scene.role_quoted(&scene.me);
    let member = quoted(&format!("{}_member", scene.role(&scene.me)));
    let mut verdict = Ok(());
    for plant in [
        format!("SET ROLE {member}"),
        format!(
            "SELECT set_config('role', {}, false)",
            literal(&format!("{}_member", scene.role(&scene.me)))
        ),
    ] {
        for heir in [&scene.other, &scene.me] {
            verdict = verdict.and(taken(scene, heir, &role, &member, &plant).await);
            scene
                .stage
                .administer(&format!("DROP ROLE IF EXISTS {member}"))
                .await?;
        }
    }
    verdict
}

/// Takes `member` by `plant`, and looks who the next scope is.
async fn taken(scene: &Scene<'_>, heir: &Player, role: &str, member: &str, plant: &str) -> Verdict {
    // A connection that was made before the role was there: a new one might be refused over it.
    let mut session = scene.acquire_again(&scene.me).await?;
    scene
        .stage
        .administer(&format!(
            "DROP ROLE IF EXISTS {member}; CREATE ROLE {member} NOLOGIN; GRANT {member} TO {role}"
        ))
        .await?;
    session.rows(plant).await?;
    drop(session);
    match scene.acquire(heir).await {
        Ok(mut next) => {
            let own = next.value("SELECT current_user = session_user").await?;
            ensure!(
                own == "t",
                "the next scope runs as another role after: {plant}"
            );
            scene.reads_own(heir, &mut next).await
        }
        // No connection as a role that can be others is a good answer.
        Err(Stop::Failed(_)) => Ok(()),
        Err(skipped) => Err(skipped),
    }
}

/// The next scope's random numbers can't be predicted.
pub(super) async fn random_seed(scene: &Scene<'_>) -> Verdict {
    scene.stage.ask("SELECT setseed(0.4242)").await?;
    let predicted = scene.stage.ask("SELECT random()").await?;
    for seen in after(scene, &["SELECT setseed(0.4242)"], "SELECT random()").await? {
        ensure!(
            seen != predicted,
            "the next scope's random() is the attacker's"
        );
    }
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
    for seen in seen {
        ensure!(
            seen.is_empty(),
            "the cursor {seen} is left, with the rows of the scope before"
        );
    }
    let mut next = scene.acquire_again(heir(scene)).await?;
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
    for seen in seen {
        ensure!(seen.is_empty(), "the connection still listens to {seen}");
    }
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
    for left in left {
        ensure!(left == "0", "{left} advisory locks are left");
    }
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
    for seen in seen {
        ensure!(seen.is_empty(), "temporary objects are left: {seen}");
    }
    Ok(())
}

/// `ALTER ROLE CURRENT_USER SET ..` gives later connections nothing: they are refused, or the
/// setting is pinned.
pub(super) async fn role_settings(scene: &Scene<'_>) -> Verdict {
    let role = scene.role(&scene.me);
    let kept = scene.stage.role_settings(role).await?;
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
        scene.stage.restore_role_settings(role, &kept).await?;
        verdict = verdict.and(found);
    }
    scene.new_connection().await?;
    scene.still_serves(&scene.other).await?;
    verdict
}

async fn new_connection_with(scene: &Scene<'_>, setting: &str, value: &str) -> Verdict {
    // Behind a pooler each BEGIN says its own modes, and a role's defaults are nobody's.
    let shown = if scene.tier().is_pooled() {
        setting.trim_start_matches("default_")
    } else {
        setting
    };
    let show = format!("SHOW {shown}");
    scene.new_connection().await?;
    let mut session = scene.acquire_again(&scene.me).await?;
    let before = session.value(&show).await?;
    // A checkout of one transaction would take it back by itself.
    let commit = if scene.tier().is_pooled() {
        "COMMIT; "
    } else {
        ""
    };
    let alter = format!("{commit}ALTER ROLE CURRENT_USER SET {setting} = {value}");
    if session.attempt(&alter).await?.is_err() {
        // Refused is best. What an administrator's hand would do, injected SQL can't.
        return Ok(());
    }
    drop(session);
    scene.new_connection().await?;
    let heir = heir(scene);
    match scene.acquire_again(heir).await {
        // No connection over a changed role is a good answer.
        Err(Stop::Failed(_)) => Ok(()),
        Err(skipped) => Err(skipped),
        Ok(mut next) => {
            let now = next.value(&show).await?;
            // Another's path is another's: what counts there is what is read.
            ensure!(
                now == before || (setting == "search_path" && heir.side.id != scene.me.side.id),
                "a new connection has {setting} = {now} from injected SQL"
            );
            scene.reads_own(heir, &mut next).await
        }
    }
}
