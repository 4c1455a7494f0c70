//! Tenant logins on shared tables: the wall reads who is logged in, so the attack is on that.

use tenancy_postgres::seal::TenantKind;

use super::hostile_names::hostile_schema;
use crate::direct::Direct;
use crate::place::{literal, quoted};
use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// Logins that have the tenants' grants and are no tenant's: by another prefix, and by another
/// spelling of a tenant's id.
pub(super) async fn strangers(scene: &Scene<'_>) -> Verdict {
    let (own, id) = (scene.role(&scene.other), scene.other.side.id.as_str());
    let prefix = own.strip_suffix(id).unwrap_or_default();
    let mut names = vec![
        format!("x{own}"),
        format!("{}{id}", prefix.to_uppercase()),
        format!("{prefix}{id}_"),
    ];
    if scene.stage.kind == TenantKind::Text {
        names.push(format!("{prefix}{}", id.to_uppercase()));
    }
    for alias in crate::side::aliases(scene.stage.kind, &scene.other.side.id) {
        names.push(format!("{prefix}{alias}"));
    }
    for name in names {
        let verdict = stranger(scene, &name).await;
        scene
            .stage
            .administer(&format!("DROP ROLE IF EXISTS {}", quoted(&name)))
            .await?;
        verdict.map_err(|stop| match stop {
            Stop::Failed(what) => Stop::Failed(format!("a login that is no tenant's: {what}")),
            other => other,
        })?;
    }
    Ok(())
}

async fn stranger(scene: &Scene<'_>, name: &str) -> Verdict {
    let (Some(group), Some(login)) = (scene.stage.group(), &scene.me.side.login) else {
        return Err(Stop::skipped("the tenants have no logins here"));
    };
    scene
        .stage
        .administer(&format!(
            "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'stranger' IN ROLE {group}; \
             DO $do$ BEGIN EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', \
             pg_catalog.current_database(), {literal}); END $do$",
            role = quoted(name),
            group = quoted(group),
            literal = literal(name),
        ))
        .await?;
    let mut config = login.config.clone();
    config.user(name).password("stranger");
    let stranger = Direct::connect(&config).await.map_err(Stop::failed)?;
    let mut seen = Ok(());
    for sql in [
        "SELECT * FROM conformance.notes",
        "UPDATE conformance.notes SET amount = 0 RETURNING *",
        "DELETE FROM conformance.events RETURNING *",
    ] {
        // Refused, or nothing there: either is no data.
        if let Ok(rows) = stranger.simple(sql).await {
            let what = format!("{} rows for {name}: {sql}", rows.len());
            seen = seen.and(rows.is_empty().then_some(()).ok_or(Stop::Failed(what)));
        }
    }
    for (column, value) in [
        ("", String::new()),
        ("tenant_id, ", scene.other.side.literal() + ", "),
    ] {
        let sql =
            format!("INSERT INTO conformance.notes ({column}id, title) VALUES ({value}777, 'x')");
        if stranger.simple(&sql).await.is_ok() {
            seen = seen.and(Err(Stop::Failed(format!("{name} wrote a row"))));
        }
    }
    drop(stranger);
    scene
        .until(
            &format!(
                "SELECT pg_catalog.count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE usename = {}",
                literal(name)
            ),
            "a connection that was closed lives on",
        )
        .await?;
    scene
        .stage
        .administer(&format!("DROP OWNED BY {}", quoted(name)))
        .await?;
    seen
}

/// With hostile operators, functions, types and casts first in the path, the tenant is still the
/// tenant.
pub(super) async fn search_path(scene: &Scene<'_>) -> Verdict {
    scene.stage.administer(&hostile_schema()).await?;
    let verdict = under_hostile_path(scene).await;
    scene
        .stage
        .administer("DROP SCHEMA IF EXISTS conformance_hostile CASCADE")
        .await?;
    verdict
}

async fn under_hostile_path(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    session
        .rows("SET search_path = conformance_hostile, pg_catalog, pg_temp")
        .await?;
    let fooled = session.value("SELECT 'a'::text = 'b'::text").await?;
    ensure!(
        fooled == "t",
        "the hostile operators are not in place, so nothing was tried"
    );
    let rows = session
        .rows("SELECT id, title FROM conformance.notes ORDER BY id")
        .await?;
    ensure!(
        rows.len() == 4,
        "{} rows of 4 under a hostile search path",
        rows.len()
    );
    session
        .refused_as(
            &format!(
                "INSERT INTO conformance.notes (tenant_id, id, title) VALUES ({}, 778, 'planted')",
                scene.other.side.literal()
            ),
            &["42501"],
        )
        .await
}
