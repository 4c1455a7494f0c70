//! Forging the scope with what any SQL may say: settings and roles.

use std::collections::BTreeSet;

use crate::scene::{Player, Scene};
use crate::verdict::{Stop, Verdict, ensure};
use crate::watched::{Watched, WatchedSession};

/// What a probe reads, after each attempt: a foreign row fails the case.
const PROBE: &str = "SELECT * FROM conformance.notes; SELECT * FROM conformance.comments; \
                     SELECT * FROM conformance.events";

/// Tries one message, then looks what can be read now.
async fn try_on(session: &mut WatchedSession<'_>, sql: &str) -> Verdict {
    let _ = session.attempt(sql).await?;
    let _ = session.attempt("ROLLBACK").await?;
    session
        .attempt(PROBE)
        .await
        .map(drop)
        .map_err(|stop| match stop {
            Stop::Failed(what) => Stop::Failed(format!("after {sql}: {what}")),
            other => other,
        })
}

/// Setting every setting that enforcement reads, and every name that others use for it.
pub(super) async fn settings(scene: &Scene<'_>) -> Verdict {
    let mut names: BTreeSet<String> = [
        "app.tenant_id",
        "app.current_tenant",
        "app.tenant",
        "tenancy.tenant",
        "tenancy.tenant_id",
        "tenancy.current_tenant",
        "tenancy.scope",
        "tenancy.token",
        "rls.tenant_id",
        "request.jwt.claims",
        "request.jwt.claim.tenant_id",
    ]
    .map(str::to_owned)
    .into();
    // Policies and function bodies are world-readable: an attacker reads the names there.
    let read = scene
        .stage
        .judge
        .simple(
            "SELECT m[1] FROM (SELECT prosrc AS text FROM pg_proc WHERE pronamespace::regnamespace::text = 'tenancy' \
             UNION ALL SELECT qual FROM pg_policies UNION ALL SELECT with_check FROM pg_policies) AS s, \
             regexp_matches(s.text, 'current_setting\\(''([^'']+)''', 'g') AS m",
        )
        .await
        .map_err(Stop::failed)?;
    names.extend(read.into_iter().flatten().flatten());
    let other = scene.other.side.literal();
    let mut session = scene.acquire(&scene.me).await?;
    for name in names {
        for sql in [
            format!("SELECT set_config('{name}', {other}, true) IS NULL; {PROBE}"),
            format!("SELECT set_config('{name}', {other}, false) IS NULL"),
            format!("SET {name} = {other}"),
        ] {
            // Some of these names are not to be set at all.
            try_on(&mut session, &sql).await?;
        }
    }
    Ok(())
}

/// Turning row security off, and the settings that change how a policy is run.
pub(super) async fn row_security(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    for sql in [
        "SET row_security = off",
        "SET LOCAL row_security = off; TABLE conformance.notes",
        "SELECT set_config('row_security', 'off', false)",
        "SET session_replication_role = replica",
        "SET plan_cache_mode = force_generic_plan",
        "SET constraint_exclusion = on",
        "SET default_transaction_isolation = serializable",
        "SET debug_parallel_query = regress",
        "SET force_parallel_mode = regress",
        "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0",
        "SET transform_null_equals = on",
        "SET standard_conforming_strings = off",
        "SET quote_all_identifiers = on",
        "SET extra_float_digits = -15",
        "SET bytea_output = 'escape'",
        "SET search_path = pg_temp, tenancy, conformance, pg_catalog",
        "SET enable_seqscan = off; SET enable_indexscan = off; SET enable_bitmapscan = off",
        "SET check_function_bodies = off",
        "SET jit = on; SET jit_above_cost = 0",
    ] {
        try_on(&mut session, sql).await?;
    }
    Ok(())
}

/// Taking any role there is, in every way there is.
pub(super) async fn roles(scene: &Scene<'_>) -> Verdict {
    let roles = scene
        .stage
        .ask("SELECT pg_catalog.string_agg(rolname, E'\\n') FROM pg_catalog.pg_roles")
        .await?;
    let mut session = scene.acquire(&scene.me).await?;
    for role in roles
        .lines()
        .filter(|role| *role != scene.role(&scene.me))
        // Its grants are the tenants' by design; what it opens, is tried below.
        .filter(|role| scene.stage.group() != Some(*role))
    {
        for sql in [
            format!("SET ROLE \"{role}\""),
            format!("SET LOCAL ROLE \"{role}\""),
            format!("SELECT set_config('role', '{role}', false)"),
            format!("SET SESSION AUTHORIZATION \"{role}\""),
            format!("SELECT set_config('session_authorization', '{role}', false)"),
        ] {
            let taken = session.attempt(&sql).await?;
            ensure!(taken.is_err(), "the runtime role took another: {sql}");
        }
    }
    if let Some(group) = scene.stage.group() {
        try_on(&mut session, &format!("SET ROLE \"{group}\"")).await?;
    }
    for sql in ["RESET ROLE", "SET ROLE NONE", "RESET SESSION AUTHORIZATION"] {
        try_on(&mut session, sql).await?;
    }
    let above = session
        .value("SELECT count(*) FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)")
        .await?;
    ensure!(
        above == "0",
        "the runtime role is above the wall, or can get there"
    );
    Ok(())
}

/// Raising oneself.
pub(super) async fn grants(scene: &Scene<'_>) -> Verdict {
    let runtime = scene.role_quoted(&scene.me);
    for sql in [
        format!("ALTER ROLE {runtime} BYPASSRLS"),
        format!("ALTER ROLE {runtime} SUPERUSER"),
        format!("ALTER ROLE {runtime} CREATEROLE"),
        format!("GRANT tenancy_owner TO {runtime}"),
        format!("GRANT pg_read_all_data TO {runtime}"),
        format!("GRANT pg_read_server_files TO {runtime}"),
        "CREATE ROLE conformance_mine SUPERUSER".to_owned(),
        "SET LOCAL session_preload_libraries = 'auto_explain'".to_owned(),
        "LOAD 'auto_explain'".to_owned(),
        "CREATE EXTENSION pgcrypto".to_owned(),
        "ALTER SYSTEM SET row_security = off".to_owned(),
    ] {
        let mut transaction = scene.begin(&scene.me).await?;
        transaction.refused(&sql).await?;
        let _ = transaction.rollback().await?;
    }
    Ok(())
}

/// A function that tells all it is given, and costs nothing, is never given another's row: not
/// before the wall, nor beside it.
pub(super) async fn leaky_functions(scene: &Scene<'_>) -> Verdict {
    let stage = scene.stage;
    stage
        .administer(
            "DROP SCHEMA IF EXISTS conformance_hostile CASCADE; CREATE SCHEMA conformance_hostile; \
             CREATE FUNCTION conformance_hostile.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 \
             AS $$ BEGIN RAISE NOTICE 'told %', $1; RETURN true; END $$; \
             GRANT USAGE ON SCHEMA conformance_hostile TO PUBLIC",
        )
        .await?;
    let verdict = told(scene).await;
    stage
        .administer("DROP SCHEMA IF EXISTS conformance_hostile CASCADE")
        .await?;
    verdict
}

async fn told(scene: &Scene<'_>) -> Verdict {
    let attacker = scene.inside(&scene.me).await?;
    for sql in [
        "SELECT * FROM conformance.notes WHERE conformance_hostile.tell(title)",
        "SELECT * FROM conformance.notes n JOIN conformance.comments c ON conformance_hostile.tell(n.title || c.body)",
        "SELECT * FROM conformance.notes_of_owner WHERE conformance_hostile.tell(title)",
        "SELECT * FROM conformance.events WHERE conformance_hostile.tell(what)",
        "UPDATE conformance.notes SET amount = amount WHERE conformance_hostile.tell(title)",
        "DELETE FROM conformance.events WHERE conformance_hostile.tell(what)",
        "INSERT INTO conformance.notes (id, title) VALUES (1, 'x') ON CONFLICT (tenant_id, id) DO UPDATE SET amount = 1 WHERE conformance_hostile.tell(notes.title)",
        "SELECT * FROM conformance.notes ORDER BY conformance_hostile.tell(title)",
        "SELECT count(*) FROM conformance.notes GROUP BY conformance_hostile.tell(title)",
    ] {
        let rows = attacker.simple(sql).await.map_err(Stop::failed)?;
        let foreign = rows
            .iter()
            .flatten()
            .flatten()
            .any(|value| scene.other.side.owns(value));
        ensure!(!foreign, "the other tenant's row came back: {sql}");
        // The server's answer came, so its notices came before it.
        ensure!(
            !attacker.notices().contains(&scene.other.side.mark),
            "a leaky function was shown the other tenant's row: {sql}"
        );
    }
    ensure!(
        attacker.notices().contains(&scene.me.side.mark),
        "the leaky function told nothing, so nothing was tried"
    );
    Ok(())
}

/// Another spelling of a tenant's id is another tenant, or none: never this one.
pub(super) async fn aliases(scene: &Scene<'_>) -> Verdict {
    for spelling in crate::side::aliases(scene.stage.kind, &scene.other.side.id) {
        let alias = Player::new(&crate::side::Side {
            id: spelling,
            ..scene.me.side.clone()
        })
        .await?;
        // No scope at all is the expected answer.
        let Ok(session) = scene.harness.acquire(alias.scope()).await else {
            continue;
        };
        let mut session = Watched::new(session, &scene.other.side, scene.tier());
        let _ = session.attempt(PROBE).await?;
    }
    scene.still_serves(&scene.me).await
}
