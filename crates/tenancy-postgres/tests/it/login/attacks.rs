//! Each tenant attacks the other as its own login; an administrator's connection judges.

use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::{Expectations, Finding};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{TABLES, Town, in_every_town};
use crate::support::{column, refused, text};
use crate::verify::look;

/// What `{table}` holds of everyone, as only an administrator sees it.
async fn truth(admin: &Client, table: &str) -> Vec<Option<String>> {
    let sql = format!("SELECT concat_ws(' ', tenant_id, id, title) FROM {table} ORDER BY 1");
    column(admin, &sql).await.unwrap()
}

/// Everything that a message answers, as one text. An error must not tell either.
async fn everything(client: &Client, sql: &str, secret: &str) -> Option<String> {
    let mut said = String::new();
    let messages = match client.simple_query(sql).await {
        Ok(messages) => messages,
        Err(error) => {
            let error = format!("{error:?}");
            assert!(!error.contains(secret), "{sql}: {error}");
            return None;
        }
    };
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            for at in 0..row.len() {
                said += row.get(at).unwrap_or_default();
                said.push('\n');
            }
        }
    }
    Some(said)
}

/// With `{me}` and `{other}` as tenants, `{my_login}`, `{other_login}`, `{group}`, `{table}`.
const ATTACKS: &[&str] = &[
    // Becoming another.
    "SET ROLE {group}; SELECT * FROM {table}",
    "SET ROLE {other_login}; SELECT * FROM {table}",
    "SET LOCAL SESSION AUTHORIZATION {other_login}; SELECT * FROM {table}",
    "SET SESSION AUTHORIZATION {other_login}; SELECT * FROM {table}",
    "SET SESSION AUTHORIZATION {my_login}; SELECT * FROM {table}",
    "SELECT set_config('session_authorization', {other_name}, false); SELECT * FROM {table}",
    "SELECT set_config('role', {other_name}, false); SELECT * FROM {table}",
    "SELECT set_config('is_superuser', 'on', false); SELECT * FROM {table}",
    "RESET ROLE; RESET SESSION AUTHORIZATION; SELECT * FROM {table}",
    "ALTER ROLE CURRENT_USER RENAME TO {other_login}; SELECT * FROM {table}",
    "ALTER ROLE {my_login} SUPERUSER",
    "ALTER ROLE {my_login} BYPASSRLS",
    "ALTER ROLE {my_login} CREATEROLE",
    "ALTER ROLE {my_login} CONNECTION LIMIT -1",
    "GRANT {other_login} TO {my_login}; SET ROLE {other_login}; SELECT * FROM {table}",
    "GRANT {group} TO {my_login} WITH ADMIN OPTION",
    "GRANT {my_login} TO {group} WITH ADMIN OPTION",
    "GRANT {my_login} TO {other_login} WITH ADMIN OPTION",
    "GRANT {my_login} TO {owner}",
    "GRANT pg_read_all_data TO {my_login}",
    "CREATE ROLE mine SUPERUSER",
    "DROP ROLE {other_login}",
    "ALTER ROLE {other_login} PASSWORD 'mine'",
    "ALTER ROLE {other_login} SET search_path = evil",
    "ALTER ROLE {group} SET search_path = evil",
    "SET row_security = off; SELECT * FROM {table}",
    "SET session_replication_role = replica; INSERT INTO {table} VALUES ('{other}', 9, 'mine')",
    // Reading.
    "SELECT * FROM {table}",
    "SELECT * FROM {table} WHERE tenant_id = '{other}'",
    "SELECT * FROM {table} AS t WHERE (t.tenant_id::text || t.title) LIKE '%{other}%'",
    "SELECT a.* FROM {table} AS a FULL JOIN {table} AS b ON true",
    "SELECT * FROM {table} WHERE title ~ '.' OR 1 / (id - 1) > 0",
    "TABLE {table}",
    "COPY {table} TO STDOUT",
    "COPY (SELECT * FROM {table}) TO STDOUT",
    "SELECT query_to_xml('SELECT * FROM {table}', true, true, '')",
    "SELECT table_to_xml('{table}', true, true, '')",
    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM {table}; FETCH ALL FROM c",
    "PREPARE p AS SELECT * FROM {table}; SET ROLE NONE; EXECUTE p",
    "EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) SELECT * FROM {table} WHERE tenant_id = '{other}'",
    "SELECT * FROM pg_stats WHERE tablename = '{table}'",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_authid",
    "SELECT * FROM by_owner",
    "SELECT * FROM asked_owner()",
    "SELECT lo_get(1)",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT * FROM {table} WHERE leak(title)",
    "SELECT * FROM {table} ORDER BY leak(title)",
    "SELECT stavalues1::text FROM pg_statistic WHERE starelid = '{table}'::regclass",
    "SAVEPOINT s; SET LOCAL ROLE {group}; ROLLBACK TO s; SELECT * FROM {table}",
    "SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT * FROM {table} WHERE leak(title)",
    // Writing.
    "INSERT INTO {table} VALUES ('{other}', 9, 'mine')",
    "INSERT INTO {table} (tenant_id, id, title) SELECT '{other}', g, 'mine' FROM generate_series(10, 20) AS g",
    "INSERT INTO {table} VALUES ('{other}', 1, 'mine') ON CONFLICT (tenant_id, id) DO UPDATE SET title = 'mine'",
    "INSERT INTO {table} VALUES ('{other}', 1, 'mine') ON CONFLICT DO NOTHING RETURNING *",
    "INSERT INTO {table} VALUES (NULL, 1, 'mine')",
    "UPDATE {table} SET tenant_id = '{other}', id = 9",
    "UPDATE {table} SET title = 'mine' WHERE tenant_id = '{other}'",
    "WITH gone AS (DELETE FROM {table} WHERE tenant_id = '{other}' RETURNING *) SELECT * FROM gone",
    "MERGE INTO {table} AS t USING (SELECT 1::bigint AS id) AS s ON t.id = s.id AND t.title LIKE '%{other}' WHEN MATCHED THEN DELETE",
    "MERGE INTO {table} AS t USING (SELECT 7::bigint AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES ('{other}', 7, 'mine')",
    "COPY {table} FROM STDIN",
    "TRUNCATE {table}",
    "SELECT * FROM {table} FOR UPDATE",
    // Changing what the wall is or stands on.
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY tenancy_wall ON {table}",
    "CREATE POLICY mine ON {table} USING (true)",
    "ALTER TABLE {table} OWNER TO {my_login}",
    "DROP TABLE {table}",
    "DROP OWNED BY CURRENT_USER; SELECT * FROM {table}",
    "DROP OWNED BY {group}",
    "REASSIGN OWNED BY {group} TO {my_login}",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    "CREATE TEMP TABLE {table} (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DO 'BEGIN END'",
    "CREATE EXTENSION dblink",
    "DROP OWNED BY {group} CASCADE",
    "DROP OWNED BY {other_login}",
    "SET ROLE {group}; DROP OWNED BY CURRENT_USER",
    "SET ROLE {group}; REVOKE ALL ON {table} FROM CURRENT_USER",
    "SET ROLE {group}; ALTER ROLE CURRENT_USER SET search_path = evil",
    "REVOKE ALL ON {table} FROM {group}",
    "REVOKE {group} FROM {other_login}",
    "GRANT SELECT ON {table} TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {group} GRANT ALL ON TABLES TO PUBLIC",
    "ALTER EVENT TRIGGER tenancy_no_ddl DISABLE",
    "CREATE OR REPLACE FUNCTION tenancy.login_name() RETURNS name LANGUAGE sql IMMUTABLE AS $$ SELECT session_user $$",
    "CREATE OR REPLACE FUNCTION tenancy.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "COMMENT ON ROLE {my_login} IS 'tenancy: tenant {other}'",
    "COMMENT ON ROLE {other_login} IS NULL",
    "ALTER ROLE {other_login} NOLOGIN",
    "ALTER SYSTEM SET row_security = off",
    "DELETE FROM tenancy.runtime_role",
    "INSERT INTO tenancy.shared_table VALUES ('{table}', true)",
    "SELECT tenancy.leave()",
    "SELECT tenancy.enter(1, 321, 1, 0, 0, 0, 0, 0, 0, 0, 'x')",
    "SELECT tenancy.current_tenant()",
    // Lies about the names that the wall is made of.
    "SET search_path = evil, pg_catalog, public; SELECT * FROM public.{table}",
    "SET search_path = evil, pg_catalog, public; INSERT INTO public.{table} VALUES ('{other}', 9, 'mine')",
    "SET search_path = evil, pg_catalog, public; INSERT INTO public.{table} (id, title) VALUES (9, 'mine'); SELECT * FROM public.{table}; ROLLBACK",
    "SET transform_null_equals = on; SET standard_conforming_strings = off; SET plan_cache_mode = force_generic_plan; SELECT * FROM {table}",
    // Neighbours.
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_cancel_backend(1)",
    "SELECT query FROM pg_stat_activity",
];

#[tokio::test]
async fn no_statement_reaches_the_other_tenant() {
    in_every_town(async |town| {
        let owner = town.world.roles.table_owner().quoted();
        let group = town.logins.group().quoted();
        liars(&town.world.admin).await;
        for (table, kind, tenants) in TABLES {
            // What the owner made for everybody: views and definer functions are behind the wall.
            town.world
                .admin
                .batch_execute(&format!(
                    "CREATE VIEW by_owner AS SELECT * FROM {table}; ALTER VIEW by_owner OWNER TO {owner}; \
                     GRANT SELECT ON by_owner TO {group}; \
                     CREATE FUNCTION asked_owner() RETURNS SETOF {table} LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM {table}'; \
                     ALTER FUNCTION asked_owner() OWNER TO {owner}; GRANT EXECUTE ON FUNCTION asked_owner() TO {group};"
                ))
                .await
                .unwrap();
            let [a, b] = tenants;
            attack(&town, table, kind, a, b).await;
            attack(&town, table, kind, b, a).await;
            let holes = look(&town.world.admin, &Expectations::for_logins(&town.world.roles, &town.logins)).await;
            assert!(!holes.iter().any(Finding::is_hole), "{holes:#?}");
            town.world
                .admin
                .batch_execute("DROP VIEW by_owner; DROP FUNCTION asked_owner()")
                .await
                .unwrap();
        }
    })
    .await;
}

async fn attack(town: &Town, table: &str, kind: TenantKind, me: &str, other: &str) {
    let client = town.connect(kind, me).await;
    let before = truth(&town.world.admin, table).await;
    let quoted = |id| {
        town.logins
            .login(kind, &super::tenant(id))
            .unwrap()
            .quoted()
    };
    let mut answered = 0;
    for attack in ATTACKS {
        let sql = attack
            .replace("{table}", table)
            .replace("{me}", me)
            .replace("{other}", other)
            .replace("{my_login}", &quoted(me))
            .replace("{other_login}", &quoted(other))
            .replace("{other_name}", &format!("'{}'", town.login(kind, other)))
            .replace("{owner}", &town.world.roles.table_owner().quoted())
            .replace("{group}", &town.logins.group().quoted());
        let secret = format!("of {other}");
        let said = everything(&client, &format!("BEGIN; {sql}"), &secret).await;
        if let Some(said) = said {
            answered += 1;
            assert!(!said.contains(&secret), "{sql}: {said}");
        }
        // What would have been kept is judged, and undone.
        client.batch_execute("COMMIT").await.unwrap();
        client
            .batch_execute("ROLLBACK; RESET ALL; CLOSE ALL; DEALLOCATE ALL")
            .await
            .unwrap();
        let after = truth(&town.world.admin, table).await;
        let theirs = |rows: &[Option<String>]| {
            let rows = rows.iter().flatten();
            rows.filter(|row| row.starts_with(other))
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(theirs(&before), theirs(&after), "{sql}");
        town.world
            .admin
            .batch_execute(&format!(
                "DELETE FROM {table} WHERE tenant_id = '{me}'; \
                 INSERT INTO {table} VALUES ('{me}', 1, 'row one of {me}'), ('{me}', 2, 'row two of {me}')"
            ))
            .await
            .unwrap();
    }
    assert!(
        answered > 20,
        "most were refused before they were tried: {answered}"
    );
    assert_eq!(
        text(&client, &format!("SELECT count(*) FROM {table}"))
            .await
            .unwrap(),
        "2",
        "and the attacker still has its own"
    );
    assert_eq!(before, truth(&town.world.admin, table).await);
    let client = town.connect(kind, other).await;
    let answer = text(&client, &town.logins.identity_sql()).await.unwrap();
    let judgement = town
        .logins
        .judge_identity(kind, &super::tenant(other), &answer)
        .unwrap();
    assert!(judgement.may_serve(), "{:#?}", judgement.findings);
    assert_eq!(
        text(&client, &format!("SELECT count(*) FROM {table}"))
            .await
            .unwrap(),
        "2",
        "and the other is not locked out"
    );
}

/// Somebody with the right to it made a schema of liars, and everybody may use it.
async fn liars(admin: &Client) {
    admin
        .batch_execute(
            "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC; \
             CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'; \
             CREATE FUNCTION evil.yes(name, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'; \
             CREATE FUNCTION evil.yes(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'; \
             CREATE FUNCTION evil.yes(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'; \
             CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes); \
             CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.yes); \
             CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = evil.yes); \
             CREATE OPERATOR evil.~ (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.yes); \
             CREATE OPERATOR evil.~~ (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.yes); \
             CREATE FUNCTION evil.yes(name, name) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'; \
             CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.yes); \
             CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes); \
             CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS \
             $$ BEGIN IF random() < 2 THEN RAISE EXCEPTION 'leaked %', $1; END IF; RETURN true; END $$; \
             CREATE FUNCTION evil.substr(text, int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'beta' $$; \
             CREATE DOMAIN evil.text AS pg_catalog.text; CREATE DOMAIN evil.name AS pg_catalog.name;",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn those_without_a_tenants_login_have_no_rows_and_central_has_all() {
    in_every_town(async |town| {
        let database = &town.world.database;
        let owner = database.connect(&database.owner_url()).await.unwrap();
        let central = database.connect(&database.central_url()).await.unwrap();
        let runtime = database.connect(&database.runtime_url()).await.unwrap();
        for (table, ..) in TABLES {
            let count = format!("SELECT count(*) FROM {table}");
            let insert = format!("INSERT INTO {table} (id) VALUES (9)");
            assert_eq!(
                text(&owner, &count).await.unwrap(),
                "0",
                "behind its own wall"
            );
            assert_eq!(refused(&owner, &insert).await, "42501");
            assert_eq!(text(&central, &count).await.unwrap(), "4");
            assert_eq!(
                refused(&central, &insert).await,
                "23502",
                "no tenant to default to"
            );
            assert_eq!(
                refused(&runtime, &count).await,
                "42501",
                "no grant is left to it"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_insert_needs_no_tenant_and_keys_collide_with_nobody() {
    in_every_town(async |town| {
        for (table, kind, [a, b]) in TABLES {
            for (me, title) in [(a, "mine"), (b, "too")] {
                let client = town.connect(kind, me).await;
                let sql = format!(
                    "INSERT INTO {table} (id, title) VALUES (7, '{title}'); \
                     INSERT INTO {table} (id, title) VALUES (1, '{title}') ON CONFLICT (tenant_id, id) DO UPDATE SET title = EXCLUDED.title; \
                     SELECT string_agg(title, ',' ORDER BY id) FROM {table}"
                );
                let titles = text(&client, &sql).await.unwrap();
                assert_eq!(titles, format!("{title},row two of {me},{title}"));
            }
        }
    })
    .await;
}

/// Evaluated once for each table, and by the index that leads with the tenant.
#[tokio::test]
async fn the_wall_is_one_value_and_uses_the_tenants_index() {
    in_every_town(async |town| {
        for (table, kind, [a, _]) in TABLES {
            let client = town.connect(kind, a).await;
            let explain =
                |sql: &str| format!("SET enable_seqscan = off; EXPLAIN (COSTS OFF) {sql}");
            let plan = column(
                &client,
                &explain(&format!("SELECT * FROM {table} WHERE id = 1")),
            )
            .await
            .unwrap();
            let plan = plan.into_iter().flatten().collect::<Vec<_>>().join("\n");
            assert!(plan.contains("Index Cond: ((tenant_id ="), "{plan}");
            assert_eq!(
                plan.matches("InitPlan 1").count(),
                1 + plan.matches("(InitPlan 1).col1").count(),
                "{plan}"
            );
            let plan = column(
                &client,
                &explain(&format!(
                    "SELECT * FROM {table} AS x JOIN {table} AS y USING (id)"
                )),
            )
            .await
            .unwrap();
            let plan = plan.into_iter().flatten().collect::<Vec<_>>().join("\n");
            assert!(
                plan.contains("InitPlan 2") && !plan.contains("SubPlan"),
                "{plan}"
            );
        }
    })
    .await;
}
