//! Reaching for the other's place with what one's own login may say.

use tenancy_core::Strategy;

use crate::direct::Direct;
use crate::place::{literal, quoted};
use crate::scene::Scene;
use crate::side::Login;
use crate::verdict::{Stop, Verdict, ensure};

/// The name by which the other's tables can be written: its schema's, with its database's where it
/// has one.
fn name_of_place(scene: &Scene<'_>) -> String {
    let other = &scene.other.side;
    match other.placement.database_name() {
        Some(database) => format!("{}.{}", quoted(database), other.place.quoted()),
        None => other.place.quoted(),
    }
}

/// Every statement that names the other's tables is refused, and changes nothing.
pub(super) async fn names(scene: &Scene<'_>) -> Verdict {
    let place = name_of_place(scene);
    for sql in [
        format!("SELECT * FROM {place}.notes"),
        format!("SELECT count(*) FROM {place}.notes"),
        format!("TABLE {place}.events_low"),
        format!("SELECT * FROM {place}.notes_of_owner"),
        format!("SELECT {place}.titles_of_owner()"),
        format!("SELECT n.* FROM conformance.notes n JOIN {place}.notes o ON o.id = n.id"),
        format!("SELECT * FROM conformance.notes WHERE EXISTS (SELECT FROM {place}.notes)"),
        format!("WITH o AS (SELECT * FROM {place}.notes) SELECT * FROM o"),
        format!("INSERT INTO {place}.notes (id, title) VALUES (900, 'planted')"),
        format!(
            "INSERT INTO conformance.notes (id, title) SELECT id + 900, title FROM {place}.notes"
        ),
        format!("UPDATE {place}.notes SET title = 'taken'"),
        format!("UPDATE conformance.notes SET title = o.title FROM {place}.notes o"),
        format!("DELETE FROM {place}.notes"),
        format!("DELETE FROM conformance.notes USING {place}.notes o WHERE o.id = notes.id"),
        format!(
            "MERGE INTO {place}.notes n USING (VALUES (1)) AS v(id) ON n.id = v.id WHEN MATCHED THEN DELETE"
        ),
        format!("TRUNCATE {place}.notes CASCADE"),
        format!("BEGIN; LOCK TABLE {place}.notes IN ACCESS SHARE MODE"),
        format!("SELECT * FROM {place}.notes FOR UPDATE"),
        format!("COPY {place}.notes TO STDOUT"),
        format!("COPY (SELECT * FROM {place}.notes) TO STDOUT"),
        format!("DECLARE c CURSOR WITH HOLD FOR SELECT * FROM {place}.notes"),
        format!("PREPARE mine AS SELECT * FROM {place}.notes"),
        format!("EXPLAIN (ANALYZE) SELECT * FROM {place}.notes"),
        format!("CREATE VIEW mine AS SELECT * FROM {place}.notes"),
        format!("CREATE TABLE {place}.mine (id int)"),
        format!("DROP TABLE {place}.notes CASCADE"),
        format!("ALTER TABLE {place}.notes RENAME TO mine"),
        format!("GRANT ALL ON {place}.notes TO PUBLIC"),
        format!("CREATE TABLE mine (LIKE {place}.notes)"),
        format!("DO $do$ BEGIN PERFORM * FROM {place}.notes; END $do$"),
    ] {
        // Undone, in case it is not refused; a COPY that is has no place in a transaction.
        let mut session = scene.acquire_again(&scene.me).await?;
        let done = session.attempt(&sql).await?;
        let _ = session.attempt("ROLLBACK").await?;
        ensure!(
            done.is_err() || sql.starts_with("GRANT"),
            "a tenant's login may: {sql}"
        );
    }
    let mut session = scene.acquire_again(&scene.me).await?;
    for sql in [
        format!("SELECT query_to_xml('SELECT * FROM {place}.notes', true, false, '')"),
        format!("SELECT table_to_xml('{place}.notes', true, false, '')"),
        format!("SELECT schema_to_xml('{place}', true, false, '')"),
        "SELECT database_to_xml(true, false, '')".to_owned(),
        format!("SELECT ts_stat('SELECT to_tsvector(title) FROM {place}.notes')"),
        format!("SELECT nextval('{place}.notes_id_seq')"),
    ] {
        // Some are refused by name, some show what may be read: what counts is what comes back.
        let _ = session.attempt(&sql).await?;
    }
    Ok(())
}

/// No path leads there: what is found by its name alone is one's own, or nothing.
pub(super) async fn search_path(scene: &Scene<'_>) -> Verdict {
    let schema = scene.other.side.place.quoted();
    for sql in [
        format!("SET search_path = {schema}"),
        format!("SET LOCAL search_path = {schema}"),
        format!("SET search_path = {schema}, pg_temp"),
        format!(
            "SELECT set_config('search_path', {}, false)",
            literal(&schema)
        ),
        format!("SET SCHEMA {}", literal(&scene.other.side.place.schema)),
    ] {
        let mut session = scene.acquire_again(&scene.me).await?;
        for read in [
            "SELECT * FROM conformance.notes",
            "DELETE FROM conformance.events",
        ] {
            // The watch fails the case over a foreign row, and the judge over a changed one.
            let _ = session.attempt(&format!("{sql}; {read}")).await?;
            let _ = session.attempt("ROLLBACK").await?;
            let _ = session.attempt(&sql).await?;
            let _ = session.attempt(read).await?;
        }
        drop(session);
        scene.still_serves(&scene.me).await?;
    }
    Ok(())
}

/// Nor do the catalogs: statistics, other sessions' queries, large objects, files.
pub(super) async fn catalogs(scene: &Scene<'_>) -> Verdict {
    let neighbour = scene.inside(&scene.other).await?;
    let mark = &scene.other.side.mark;
    neighbour
        .simple(&format!("SELECT '{mark}-in-a-query'"))
        .await
        .map_err(Stop::failed)?;
    for place in [&scene.me.side.place, &scene.other.side.place] {
        place
            .administer(
                "DROP STATISTICS IF EXISTS conformance.titles; \
                 CREATE STATISTICS conformance.titles (mcv) ON id, title FROM conformance.notes; \
                 ANALYZE conformance.notes, conformance.comments",
            )
            .await?;
    }
    let mut session = scene.acquire_again(&scene.me).await?;
    let mut seen = Ok(());
    for sql in [
        "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats",
        "SELECT * FROM pg_stats_ext",
        "SELECT * FROM pg_stats_ext_exprs",
        "SELECT * FROM pg_statistic",
        "SELECT * FROM pg_statistic_ext_data",
        "SELECT stxdmcv::text FROM pg_statistic_ext_data",
        "SELECT m.* FROM pg_statistic_ext_data, pg_mcv_list_items(stxdmcv) AS m",
        "SELECT query FROM pg_stat_activity",
        "SELECT query FROM pg_stat_get_activity(NULL)",
        "SELECT pg_stat_get_backend_activity(i) FROM pg_stat_get_backend_idset() AS i",
        "SELECT query FROM pg_stat_statements",
        "SELECT * FROM pg_largeobject",
        "SELECT * FROM pg_user_mapping",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT pg_ls_dir('base')",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        "CREATE EXTENSION pageinspect",
        "CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw",
    ] {
        let found = session.attempt(sql).await.map(drop);
        seen = seen.and(found);
    }
    for sql in [
        "SELECT * FROM pg_statistic",
        "SELECT rolpassword FROM pg_authid",
    ] {
        session.refused_as(sql, &["42501"]).await?;
    }
    drop(session);
    for place in [&scene.me.side.place, &scene.other.side.place] {
        place
            .administer("DROP STATISTICS conformance.titles")
            .await?;
    }
    seen
}

/// The other's login can't be taken, in any way that there is.
pub(super) async fn roles(scene: &Scene<'_>) -> Verdict {
    let (mine, other) = (
        scene.role_quoted(&scene.me),
        scene.role_quoted(&scene.other),
    );
    let name = literal(scene.role(&scene.other));
    for sql in [
        format!("SET ROLE {other}"),
        format!("SET LOCAL ROLE {other}"),
        format!("SET SESSION ROLE {other}"),
        format!("SELECT set_config('role', {name}, false)"),
        format!("SET SESSION AUTHORIZATION {other}"),
        format!("SELECT set_config('session_authorization', {name}, false)"),
        format!("GRANT {other} TO {mine}"),
        format!("GRANT {other} TO CURRENT_USER WITH ADMIN OPTION"),
        format!("ALTER ROLE {other} PASSWORD 'mine'"),
        format!("ALTER ROLE {other} SET search_path = pg_temp"),
        format!("ALTER ROLE {other} RENAME TO gone"),
        format!("DROP ROLE {other}"),
        format!("DROP OWNED BY {other}"),
        format!("REASSIGN OWNED BY {other} TO {mine}"),
        format!("COMMENT ON ROLE {other} IS 'mine'"),
        format!("COMMENT ON ROLE {mine} IS 'another'"),
        format!("ALTER ROLE {mine} RENAME TO {other}"),
        format!("ALTER ROLE {mine} CREATEROLE"),
        "CREATE ROLE conformance_mine".to_owned(),
    ] {
        let mut session = scene.acquire_again(&scene.me).await?;
        session.refused(&sql).await?;
    }
    Ok(())
}

/// From outside: one's own password opens neither the other's login nor its database.
pub(super) async fn log_in(scene: &Scene<'_>) -> Verdict {
    let (Some(mine), Some(other)) = (&scene.me.side.login, &scene.other.side.login) else {
        return Err(Stop::skipped("the tenants have no logins here"));
    };
    // The password is right where it belongs, so that a refusal below is not for another reason.
    Direct::connect(&mine.config).await.map_err(Stop::failed)?;
    let mut their_login = mine.config.clone();
    their_login.user(&other.role);
    refuses(
        &their_login,
        "another tenant's login with one's own password",
    )
    .await?;
    if scene.tier().strategy() == Strategy::DatabasePerTenant {
        let mut their_database = mine.config.clone();
        let Login { config, .. } = other;
        their_database.dbname(config.get_dbname().unwrap_or_default());
        refuses(
            &their_database,
            "another tenant's database with one's own login",
        )
        .await?;
    }
    Ok(())
}

async fn refuses(config: &tokio_postgres::Config, what: &str) -> Verdict {
    ensure!(
        Direct::connect(config).await.is_err(),
        "the server let in {what}"
    );
    Ok(())
}

/// An administrator's mistake: a membership in the other's login. Either the login is not served,
/// or nothing is read through it.
pub(super) async fn membership(scene: &Scene<'_>) -> Verdict {
    let (mine, other) = (
        scene.role_quoted(&scene.me),
        scene.role_quoted(&scene.other),
    );
    scene
        .stage
        .administer(&format!("GRANT {other} TO {mine}"))
        .await?;
    let verdict = through_membership(scene, &other).await;
    scene
        .stage
        .administer(&format!("REVOKE {other} FROM {mine}"))
        .await?;
    scene.new_connection().await?;
    verdict?;
    scene.still_serves(&scene.me).await
}

async fn through_membership(scene: &Scene<'_>, other: &str) -> Verdict {
    scene.new_connection().await?;
    for before in [String::new(), format!("SET ROLE {other}; ")] {
        let Ok(mut session) = scene.acquire_again(&scene.me).await else {
            continue;
        };
        let schema = scene.other.side.place.quoted();
        for read in [
            "SELECT * FROM conformance.notes".to_owned(),
            format!("SELECT * FROM {schema}.notes"),
        ] {
            let _ = session.attempt(&format!("{before}{read}")).await?;
        }
    }
    Ok(())
}
