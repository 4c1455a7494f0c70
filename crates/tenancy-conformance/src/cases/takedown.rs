//! Taking the wall down.

use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// What guards the tables, by the judge: policies, flags, owners, grants and functions.
fn guards(schema: &str) -> String {
    format!(
        "SELECT pg_catalog.md5(pg_catalog.string_agg(line, ';' ORDER BY line)) FROM (\
     SELECT p::text FROM pg_catalog.pg_policy p \
     UNION ALL SELECT pg_catalog.concat_ws(',', oid, relowner, relrowsecurity, relforcerowsecurity, relacl::text) \
       FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ({schema}, 'tenancy')) \
     UNION ALL SELECT pg_catalog.concat_ws(',', oid, proowner, prosrc, proconfig::text, proacl::text, prosecdef) \
       FROM pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ({schema}, 'tenancy')) \
     UNION ALL SELECT d::text FROM pg_catalog.pg_default_acl d \
     UNION ALL SELECT pg_catalog.concat_ws(',', nspowner, nspacl::text) FROM pg_catalog.pg_namespace \
       WHERE nspname IN ({schema}, 'tenancy', 'public')) AS l(line)"
    )
}

/// Every DDL that would open the wall is refused.
pub(super) async fn ddl(scene: &Scene<'_>) -> Verdict {
    let runtime = scene.role_quoted(&scene.me);
    let place = &scene.me.side.place;
    let guards = guards(&place.literal());
    let before = place.ask(&guards).await?;
    for sql in [
        "ALTER TABLE conformance.notes DISABLE ROW LEVEL SECURITY".to_owned(),
        "ALTER TABLE conformance.notes NO FORCE ROW LEVEL SECURITY".to_owned(),
        "ALTER TABLE conformance.notes ALTER COLUMN tenant_id DROP NOT NULL".to_owned(),
        "ALTER TABLE conformance.notes ALTER COLUMN tenant_id DROP DEFAULT".to_owned(),
        format!("ALTER TABLE conformance.notes OWNER TO {runtime}"),
        "CREATE POLICY mine ON conformance.notes USING (true)".to_owned(),
        "ALTER VIEW conformance.notes_of_owner SET (security_invoker = false)".to_owned(),
        format!("ALTER FUNCTION tenancy.current_tenant() OWNER TO {runtime}"),
        "ALTER FUNCTION tenancy.current_tenant() SET search_path = public".to_owned(),
        "CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'x'::text $$".to_owned(),
        "DROP FUNCTION tenancy.current_tenant() CASCADE".to_owned(),
        "DROP SCHEMA tenancy CASCADE".to_owned(),
        "DROP TABLE conformance.comments".to_owned(),
        format!("REASSIGN OWNED BY tenancy_owner TO {runtime}"),
        "DROP OWNED BY tenancy_owner".to_owned(),
        "ALTER TABLE conformance.events DETACH PARTITION conformance.events_low".to_owned(),
        format!("ALTER SCHEMA {} RENAME TO mine", place.quoted()),
        "REFRESH MATERIALIZED VIEW conformance.notes_of_owner".to_owned(),
        "SECURITY LABEL ON TABLE conformance.notes IS NULL".to_owned(),
    ] {
        let mut transaction = scene.begin(&scene.me).await?;
        transaction.refused(&sql).await?;
        let _ = transaction.rollback().await?;
    }
    for policy in policies(scene).await? {
        for sql in [
            format!("DROP POLICY {policy} ON conformance.notes"),
            format!("ALTER POLICY {policy} ON conformance.notes USING (true)"),
            format!("ALTER POLICY {policy} ON conformance.notes RENAME TO mine"),
        ] {
            let mut transaction = scene.begin(&scene.me).await?;
            transaction.refused(&sql).await?;
            let _ = transaction.rollback().await?;
        }
    }
    // Some only warn: what counts is that nothing was granted.
    let mut session = scene.acquire_again(&scene.me).await?;
    for sql in [
        format!("GRANT ALL ON conformance.notes TO {runtime}"),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA tenancy TO {runtime}"),
        format!("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenancy TO {runtime}"),
    ] {
        let _ = session.attempt(&sql).await?;
    }
    ensure!(
        before == place.ask(&guards).await?,
        "what guards the tables changed"
    );
    Ok(())
}

async fn policies(scene: &Scene<'_>) -> Verdict<Vec<String>> {
    let names = scene
        .stage
        .ask("SELECT pg_catalog.string_agg(pg_catalog.quote_ident(policyname), ' ') FROM pg_catalog.pg_policies WHERE schemaname = 'conformance' AND tablename = 'notes'")
        .await?;
    Ok(names.split_whitespace().map(str::to_owned).collect())
}

/// `DROP OWNED BY CURRENT_USER` takes neither the wall nor a privilege.
pub(super) async fn drop_owned(scene: &Scene<'_>) -> Verdict {
    const POLICIES: &str = "SELECT count(*) FROM pg_policies WHERE schemaname = 'conformance'";
    let before = scene.stage.ask(POLICIES).await?;
    for sql in [
        "DROP OWNED BY CURRENT_USER",
        "DROP OWNED BY SESSION_USER CASCADE",
    ] {
        let mut session = scene.acquire_again(&scene.me).await?;
        // Undone at the end of the message, for the cases that come.
        let read = format!("BEGIN; {sql}; {POLICIES}; SELECT * FROM conformance.notes; ROLLBACK");
        if let Ok(rows) = session.attempt(&read).await? {
            let left = rows
                .first()
                .and_then(|row| row.first().cloned().flatten())
                .unwrap_or_default();
            ensure!(
                left == before,
                "{left} of {before} policies left after {sql}"
            );
        }
        let _ = session.attempt("ROLLBACK").await?;
        // And in the order of a transaction, of which only the judge sees the end.
        let mut rows = session.attempt(&format!("BEGIN; {sql}")).await?;
        if rows.is_ok() {
            let left = session.value(POLICIES).await?;
            ensure!(
                left == before,
                "{left} of {before} policies left after {sql}"
            );
            rows = session.attempt("SELECT * FROM conformance.notes").await?;
        }
        drop(rows);
        let _ = session.attempt("ROLLBACK").await?;
    }
    Ok(())
}

/// Default privileges of the runtime role's own open nothing that others make.
pub(super) async fn default_privileges(scene: &Scene<'_>) -> Verdict {
    let mut transaction = scene.begin(&scene.me).await?;
    for sql in [
        "ALTER DEFAULT PRIVILEGES FOR ROLE tenancy_owner GRANT ALL ON TABLES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES FOR ROLE tenancy_owner GRANT ALL ON SEQUENCES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    ] {
        transaction.refused(sql).await?;
        let _ = transaction.attempt("ROLLBACK").await?;
        drop(transaction);
        transaction = scene.begin(&scene.me).await?;
    }
    drop(transaction);
    Ok(())
}

/// The guards of the tables cannot be stepped over by way of the catalogs.
pub(super) async fn catalogs(scene: &Scene<'_>) -> Verdict {
    for sql in [
        "UPDATE pg_catalog.pg_class SET relrowsecurity = false WHERE relname = 'notes'",
        "DELETE FROM pg_catalog.pg_policy",
        "UPDATE pg_catalog.pg_authid SET rolbypassrls = true",
        "INSERT INTO pg_catalog.pg_auth_members (roleid, member, grantor) SELECT oid, oid, 10 FROM pg_catalog.pg_roles",
        "SELECT pg_catalog.pg_read_binary_file('base')",
        "SELECT * FROM pg_catalog.pg_statistic",
        "SELECT * FROM pg_catalog.pg_largeobject",
        "SELECT * FROM pg_catalog.pg_user_mapping",
        "SELECT pg_catalog.pg_switch_wal()",
        "SELECT pg_catalog.pg_create_logical_replication_slot('mine', 'test_decoding')",
        "SELECT pg_catalog.pg_logical_emit_message(true, 'a', 'b') FROM pg_catalog.pg_ls_waldir()",
    ] {
        let mut transaction = scene.begin(&scene.me).await?;
        transaction.refused(sql).await?;
        drop(transaction);
    }
    // Statistics of the own columns hold values of every tenant.
    let mut session = scene.acquire_again(&scene.me).await?;
    let _ = session.attempt("SELECT most_common_vals::text, histogram_bounds::text FROM pg_catalog.pg_stats WHERE schemaname = 'conformance'").await?;
    scene
        .stage
        .administer("ANALYZE conformance.notes, conformance.comments")
        .await?;
    let rows = session
        .attempt("SELECT schemaname, tablename, attname, most_common_vals::text, histogram_bounds::text FROM pg_catalog.pg_stats WHERE schemaname IN ('conformance', 'tenancy')")
        .await?
        .map_err(Stop::failed)?;
    ensure!(
        rows.is_empty(),
        "{} columns' statistics, of all tenants, can be read",
        rows.len()
    );
    Ok(())
}

/// A neighbour's query can be neither read nor ended.
pub(super) async fn neighbours(scene: &Scene<'_>) -> Verdict {
    let neighbour = scene.inside(&scene.other).await?;
    let pid = neighbour
        .value("SELECT pg_backend_pid()")
        .await
        .map_err(Stop::failed)?
        .unwrap_or_default();
    let mark = &scene.other.side.mark;
    neighbour
        .simple(&format!("SELECT '{mark}-in-a-query'"))
        .await
        .map_err(Stop::failed)?;
    let mut session = scene.acquire(&scene.me).await?;
    for sql in [
        "SELECT query FROM pg_stat_activity",
        "SELECT query FROM pg_stat_get_activity(NULL)",
        "SELECT pg_stat_get_backend_activity(i) FROM pg_stat_get_backend_idset() AS i",
        "SELECT name, statement FROM pg_prepared_statements",
        "SELECT query FROM pg_stat_statements",
    ] {
        let _ = session.attempt(sql).await?;
    }
    session
        .refused_as(&format!("SELECT pg_cancel_backend({pid})"), &["42501"])
        .await?;
    session
        .refused_as(&format!("SELECT pg_terminate_backend({pid})"), &["42501"])
        .await?;
    neighbour
        .simple("SELECT 1")
        .await
        .map_err(|error| Stop::failed(format!("the neighbour is gone: {error}")))?;
    Ok(())
}
