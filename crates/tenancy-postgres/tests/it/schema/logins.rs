//! Each tenant's login against the other's schema, in both directions, judged by the admin.

use super::town::{House, Town, in_every_town};
use crate::support::{column, refused, run, text};
use crate::tenants::judged;

/// Statements of a tenant `{mine}` that want what is `{theirs}`, and how each ends.
const ATTACKS: &[(&str, &[&str])] = &[
    ("SELECT * FROM {theirs}.notes", &["42501"]),
    ("SELECT * FROM {theirs}.titles", &["42501"]),
    (
        "SELECT count(*) FROM notes AS n JOIN {theirs}.notes AS o USING (id)",
        &["42501"],
    ),
    (
        "INSERT INTO {theirs}.notes VALUES (9, 'planted')",
        &["42501"],
    ),
    ("UPDATE {theirs}.notes SET title = 'changed'", &["42501"]),
    ("DELETE FROM {theirs}.notes", &["42501"]),
    (
        "MERGE INTO {theirs}.notes AS t USING notes AS n ON t.id = n.id WHEN MATCHED THEN DELETE",
        &["42501"],
    ),
    ("TRUNCATE {theirs}.notes", &["42501"]),
    ("BEGIN; LOCK TABLE {theirs}.notes; COMMIT", &["42501"]),
    ("EXPLAIN SELECT * FROM {theirs}.notes", &["42501"]),
    ("PREPARE p AS SELECT * FROM {theirs}.notes", &["42501"]),
    (
        "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM {theirs}.notes",
        &["42501"],
    ),
    ("COPY {theirs}.notes TO STDOUT", &["42501"]),
    ("COPY (SELECT * FROM {theirs}.notes) TO STDOUT", &["42501"]),
    ("SELECT {theirs}.whose()", &["42501"]),
    ("SELECT nextval('{theirs}.numbers')", &["42501"]),
    ("SELECT '{theirs}.notes'::regclass", &["42501"]),
    (
        "SELECT query_to_xml('SELECT * FROM {theirs}.notes', true, true, '')",
        &["42501"],
    ),
    (
        "SELECT table_to_xml(c.oid, true, true, '') FROM pg_class AS c WHERE c.relnamespace = '{theirs}'::regnamespace AND relname = 'notes'",
        &["42501"],
    ),
    (
        "SELECT schema_to_xml('{theirs}', true, true, '')::text LIKE '%{theirs}1%' AND 1 / 0 = 1",
        &["42501", "22012"],
    ),
    (
        "SELECT nextval(c.oid) FROM pg_class AS c WHERE c.relnamespace = '{theirs}'::regnamespace AND relname = 'numbers'",
        &["42501"],
    ),
    (
        "DO $$ BEGIN EXECUTE 'SELECT * FROM {theirs}.notes'; END $$",
        &["42501"],
    ),
    (
        "DO $$ BEGIN PERFORM set_config('search_path', '{theirs}', false); PERFORM * FROM notes; END $$",
        &["42P01"],
    ),
    (
        "SET search_path = {theirs}; SELECT * FROM notes",
        &["42P01"],
    ),
    ("SET search_path = {theirs}; SELECT whose()", &["42883"]),
    (
        "BEGIN; SET LOCAL search_path = '{theirs}', public; DELETE FROM notes; COMMIT",
        &["42P01"],
    ),
    ("SET ROLE {their_login}", &["42501"]),
    ("SET ROLE {owner}", &["42501"]),
    ("SET ROLE {runtime}", &["42501"]),
    ("SET ROLE {central}", &["42501"]),
    ("SET SESSION AUTHORIZATION {their_login}", &["42501"]),
    ("SET SESSION AUTHORIZATION {owner}", &["42501"]),
    (
        "RESET SESSION AUTHORIZATION; RESET ROLE; SELECT * FROM {theirs}.notes",
        &["42501"],
    ),
    ("GRANT {their_login} TO CURRENT_USER", &["42501"]),
    (
        "GRANT {my_login} TO {their_login} WITH ADMIN OPTION",
        &["42501"],
    ),
    ("GRANT {my_login} TO {owner}", &["42501"]),
    ("GRANT USAGE ON SCHEMA {theirs} TO CURRENT_USER", &["42501"]),
    (
        "GRANT SELECT ON ALL TABLES IN SCHEMA {theirs} TO CURRENT_USER",
        &["42501"],
    ),
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO CURRENT_USER",
        &["42501"],
    ),
    ("ALTER ROLE {their_login} PASSWORD 'mine now'", &["42501"]),
    (
        "ALTER ROLE {their_login} SET search_path = {mine}",
        &["42501"],
    ),
    ("ALTER ROLE CURRENT_USER SUPERUSER", &["42501"]),
    ("ALTER ROLE CURRENT_USER BYPASSRLS", &["42501"]),
    (
        "ALTER DATABASE {database} SET search_path = {mine}",
        &["42501"],
    ),
    ("DROP OWNED BY {their_login}", &["42501"]),
    ("REASSIGN OWNED BY {owner} TO CURRENT_USER", &["42501"]),
    ("DROP SCHEMA {theirs} CASCADE", &["42501"]),
    ("ALTER SCHEMA {theirs} RENAME TO theirs", &["42501"]),
    (
        "COMMENT ON SCHEMA {theirs} IS 'tenancy: tenant {mine}'",
        &["42501"],
    ),
    (
        "COMMENT ON SCHEMA {mine} IS 'tenancy: tenant {theirs}'",
        &["42501"],
    ),
    (
        "COMMENT ON ROLE {their_login} IS 'tenancy: tenant {mine}'",
        &["42501"],
    ),
    (
        "CREATE VIEW {mine}.v AS SELECT * FROM {theirs}.notes",
        &["42501"],
    ),
    (
        "CREATE FUNCTION {mine}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        &["42501"],
    ),
    ("CREATE TEMPORARY TABLE notes (id int)", &["42501"]),
    ("CREATE SCHEMA mine", &["42501"]),
    ("CREATE TABLE public.notes (id int)", &["42501"]),
    ("CREATE EXTENSION dblink", &["42501", "0A000", "58P01"]),
    (
        "CREATE EXTENSION postgres_fdw",
        &["42501", "0A000", "58P01"],
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER w",
        &["42501", "42704"],
    ),
    (
        "SELECT dblink('dbname={database}', 'SELECT * FROM {theirs}.notes')",
        &["42883"],
    ),
    ("COPY notes TO PROGRAM 'cat'", &["42501"]),
    ("SELECT pg_read_file('PG_VERSION')", &["42501"]),
    ("SELECT lo_import('/etc/hostname')", &["42501"]),
    ("SELECT pg_terminate_backend({their_pid})", &["42501"]),
    ("SELECT pg_cancel_backend({their_pid})", &["42501"]),
];

fn filled(sql: &str, town: &Town, me: &House, them: &House, their_pid: &str) -> String {
    let database = &town.world.database;
    sql.replace("{mine}", me.schema.name().as_str())
        .replace("{theirs}", them.schema.name().as_str())
        .replace("{their_login}", them.login.name().as_str())
        .replace("{my_login}", me.login.name().as_str())
        .replace("{their_pid}", their_pid)
        .replace("{owner}", database.owner_role())
        .replace("{runtime}", database.runtime_role())
        .replace("{central}", database.central_role())
        .replace("{database}", database.name())
}

/// Everything of a tenant's that an attack could have changed, as the admin sees it.
async fn state(town: &Town, house: &House) -> Vec<Option<String>> {
    let (schema, login) = (house.schema.name(), house.login.name());
    let mut state = column(
        town.admin(),
        &format!("SELECT n::text FROM {schema}.notes AS n ORDER BY id"),
    )
    .await
    .unwrap();
    for sql in [
        format!("SELECT last_value || is_called::text FROM {schema}.numbers"),
        format!(
            "SELECT nspacl::text || nspowner || obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = '{schema}'"
        ),
        format!("SELECT count(*) FROM pg_class WHERE relnamespace = '{schema}'::regnamespace"),
        format!(
            "SELECT r::text || shobj_description(oid, 'pg_authid') FROM pg_authid AS r WHERE rolname = '{login}'"
        ),
        format!(
            "SELECT count(*) FROM pg_auth_members WHERE '{login}'::regrole IN (roleid, member)"
        ),
        format!(
            "SELECT count(*) FROM pg_db_role_setting WHERE setrole = '{login}'::regrole OR setrole = 0"
        ),
    ] {
        state.extend(column(town.admin(), &sql).await.unwrap());
    }
    state
}

#[tokio::test]
async fn no_login_reaches_another_tenants_schema() {
    in_every_town(async |town| {
        for (me, them) in [(&town.a, &town.b), (&town.b, &town.a)] {
            let victim = town.at(them).await;
            let pid = text(&victim, "SELECT pg_backend_pid()").await.unwrap();
            let before = (state(town, me).await, state(town, them).await);
            for (attack, codes) in ATTACKS {
                // Each on a fresh connection: what an attack left behind helps no other.
                let client = town.at(me).await;
                let sql = filled(attack, town, me, them, &pid);
                let code = refused(&client, &sql).await;
                assert!(codes.contains(&code.as_str()), "{sql}: {code}");
            }
            assert_eq!((state(town, me).await, state(town, them).await), before);
            text(&victim, "SELECT 1").await.unwrap();
        }
    })
    .await;
}

/// Without the tier's guards, the plainest of them succeeds.
#[tokio::test]
async fn without_a_wall_the_plainest_attack_succeeds() {
    in_every_town(async |town| {
        town.admin()
            .batch_execute(&format!(
                "GRANT USAGE ON SCHEMA b TO {0}; GRANT SELECT ON b.notes TO {0}",
                town.a.login.name().quoted()
            ))
            .await
            .unwrap();
        let client = town.at(&town.a).await;
        assert_eq!(
            text(&client, "SELECT min(title) FROM b.notes")
                .await
                .unwrap(),
            "b1"
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_neighbour_runs_and_stores_is_not_seen() {
    in_every_town(async |town| {
        let neighbour = town.at(&town.b).await;
        neighbour
            .batch_execute("SELECT 'a secret of b'; ")
            .await
            .unwrap();
        town.admin().batch_execute("ANALYZE b.notes").await.unwrap();
        let client = town.at(&town.a).await;
        for sql in [
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%secret of b%' AND pid <> pg_backend_pid()",
            "SELECT count(*) FROM pg_stats WHERE schemaname = 'b'",
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'b'",
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'b'",
        ] {
            assert_eq!(text(&client, sql).await.unwrap(), "0", "{sql}");
        }
        assert_eq!(refused(&client, "SELECT * FROM pg_statistic").await, "42501");
        assert_eq!(refused(&client, "SELECT * FROM pg_authid").await, "42501");
    })
    .await;
}

/// What a tenant throws away is its own at most, and is given again.
#[tokio::test]
async fn a_login_that_drops_what_it_has_harms_no_other() {
    in_every_town(async |town| {
        let client = town.at(&town.a).await;
        let before = state(town, &town.b).await;
        client
            .batch_execute("DROP OWNED BY CURRENT_USER")
            .await
            .unwrap();
        assert_eq!(state(town, &town.b).await, before);

        run(
            town.admin(),
            town.a.schema.grant(&town.world.owner(), &town.a.access()),
        )
        .await;
        let client = town.at(&town.a).await;
        assert_eq!(
            text(&client, "SELECT count(*) FROM notes").await.unwrap(),
            "2"
        );
        let identity = town.a.schema.identity(town.a.login.name());
        assert_eq!(judged(&client, &identity).await.findings, []);
    })
    .await;
}

/// What no grant closes in a database that tenants share, so that nobody is told otherwise.
#[tokio::test]
async fn what_is_left_to_learn_in_a_shared_database() {
    in_every_town(async |town| {
        let client = town.at(&town.a).await;
        for sql in [
            "SELECT count(*) FROM pg_class WHERE relname = 'notes' AND relnamespace = 'b'::regnamespace",
            "SELECT count(*) FROM pg_description WHERE description = 'tenancy: tenant b'",
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE '%login_b' AND shobj_description(oid, 'pg_authid') = 'tenancy: tenant b' AND rolname = '{b}'",
            "SELECT (sum(pg_relation_size(oid)) > 0)::int FROM pg_class WHERE relname = 'notes' AND relnamespace = 'b'::regnamespace",
            "SELECT pg_try_advisory_lock(1)::int",
            "SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%''b''%' AND pronamespace = 'b'::regnamespace",
        ] {
            let sql = sql.replace("{b}", town.b.login.name().as_str());
            assert_eq!(text(&client, &sql).await.unwrap(), "1", "{sql}");
        }
        client.batch_execute("LISTEN everybody").await.unwrap();
        town.at(&town.b).await.batch_execute("NOTIFY everybody, 'x'").await.unwrap();
    })
    .await;
}
