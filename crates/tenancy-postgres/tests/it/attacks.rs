//! The sealed scope, attacked as the runtime role.

use std::fmt::Write as _;

use crate::support::{World, column, leave, on_every_major, refused, text};

const COUNT: &str = "SELECT count(*) FROM notes";
const CURRENT: &str = "SELECT tenancy.current_tenant()";

#[tokio::test]
async fn the_carrier_is_out_of_reach() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        world.enter(&client, "a").await;
        for sql in [
            "SELECT setval('tenancy.seal_mark', 66)",
            "SELECT nextval('tenancy.seal_mark')",
            "SELECT currval('tenancy.seal_piece_0')",
            "SELECT last_value FROM tenancy.seal_piece_0",
            "ALTER SEQUENCE tenancy.seal_piece_0 RESTART 1",
            "DROP SEQUENCE tenancy.seal_mark",
            "SELECT * FROM tenancy.seal_key",
            "SELECT inner_block FROM tenancy.seal_key",
            "COPY tenancy.seal_key TO STDOUT",
            "INSERT INTO tenancy.shared_table VALUES ('notes', true)",
            "DELETE FROM tenancy.runtime_role",
            "SET ROLE tenancy_owner",
            "SET SESSION AUTHORIZATION tenancy_owner",
            "SET row_security = off; SELECT count(*) FROM notes",
            "TRUNCATE notes",
            "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
            "DROP POLICY tenancy_wall ON notes",
            "CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS text LANGUAGE sql AS 'SELECT 1'",
            "CREATE TEMP TABLE notes (id int)",
            "CREATE SCHEMA mine",
            "CREATE TABLE public.mine (id int)",
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DO 'BEGIN END'",
            "DROP OWNED BY CURRENT_USER",
            "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
            "ALTER ROLE CURRENT_USER SET track_activities = on",
            "SELECT pg_terminate_backend(pg_backend_pid())",
            "SELECT pg_cancel_backend(pg_backend_pid())",
            "SELECT * FROM pg_stat_activity",
            "SELECT lo_create(0)",
            "BEGIN; LOCK TABLE tenancy.seal_key",
        ] {
            client.batch_execute("ROLLBACK; RESET ALL").await.unwrap();
            let code = refused(&client, sql).await;
            assert!(["42501", "TN005", "42809"].contains(&code.as_str()), "{sql}: {code}");
        }
        client.batch_execute("ROLLBACK; RESET ALL; DISCARD TEMP").await.unwrap();
        for sql in [
            "SELECT pg_sequence_last_value('tenancy.seal_piece_0'::regclass)",
            "SELECT last_value FROM pg_sequences WHERE schemaname = 'tenancy' AND sequencename = 'seal_piece_0'",
        ] {
            if let Ok(value) = text(&client, sql).await {
                assert_eq!(value, "", "{sql}");
            }
        }
        // What a scope's SQL may set without harm.
        for sql in [
            "SELECT set_config('tenancy.current_tenant', 'b', false), set_config('app.tenant_id', 'b', false)",
            "SET search_path = public",
            "SET transform_null_equals = on",
            "SET standard_conforming_strings = off",
            "SET extra_float_digits = -15",
            "SET plan_cache_mode = force_custom_plan",
            "SET TimeZone = 'Asia/Kathmandu'",
            "SET DateStyle = 'SQL, DMY'",
            "SET bytea_output = escape",
            "SET enable_indexscan = off",
        ] {
            client.batch_execute(sql).await.unwrap();
            assert_eq!(column(&client, "SELECT title FROM notes").await.unwrap(), [Some("a1".to_owned())], "{sql}");
        }
        world.enter(&client, "b").await;
        assert_eq!(text(&client, COUNT).await.unwrap(), "2", "and the settings fool neither enter nor leave");
    })
    .await;
}

#[tokio::test]
async fn without_the_grants_taken_away_drop_owned_takes_no_wall() {
    on_every_major(async |world| {
        world
            .admin
            .batch_execute("DROP EVENT TRIGGER tenancy_no_ddl")
            .await
            .unwrap();
        let client = world.runtime().await;
        world.enter(&client, "a").await;
        client
            .batch_execute("DROP OWNED BY CURRENT_USER")
            .await
            .unwrap();
        // From 16 on it loses its own grants; before, not even those.
        match text(&client, COUNT).await {
            Ok(count) => assert_eq!(count, "1"),
            Err(error) => assert_eq!(error.code().unwrap().code(), "42501"),
        }
        let walls = "SELECT count(*) FROM pg_policy WHERE polrelid = 'notes'::regclass";
        assert_eq!(text(&world.admin, walls).await.unwrap(), "2");
    })
    .await;
}

#[tokio::test]
async fn discarding_ends_ones_own_scope_and_no_more() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        world.enter(&client, "a").await;
        client.batch_execute("DISCARD SEQUENCES").await.unwrap();
        assert_eq!(refused(&client, COUNT).await, "55000");
        world.enter(&client, "b").await;
        assert_eq!(text(&client, COUNT).await.unwrap(), "2");
        client.batch_execute("DISCARD ALL").await.unwrap();
        assert_eq!(refused(&client, COUNT).await, "55000");
        world.enter(&client, "a").await;
        client.batch_execute("RESET ALL").await.unwrap();
        assert_eq!(
            text(&client, CURRENT).await.unwrap(),
            "a",
            "nothing of it is a setting"
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_is_in_no_plan_and_no_notice() {
    on_every_major(async |world| {
        let (client, mut connection) = tokio_postgres::connect(&world.database.runtime_url(), tokio_postgres::NoTls).await.unwrap();
        let (sender, notices) = std::sync::mpsc::channel();
        let reading = tokio::spawn(async move {
            while let Some(message) = std::future::poll_fn(|context| connection.poll_message(context)).await {
                if let Ok(tokio_postgres::AsyncMessage::Notice(notice)) = message {
                    sender.send(notice.to_string() + notice.detail().unwrap_or_default()).unwrap();
                }
            }
        });
        client
            .batch_execute(
                "SET client_min_messages = debug5; SET debug_print_plan = on; SET debug_print_parse = on; \
                 SET debug_print_rewritten = on; SET plan_cache_mode = force_custom_plan; SET \"plpgsql.extra_errors\" = 'all'",
            )
            .await
            .unwrap();
        for _ in 0..3 {
            client.batch_execute("DISCARD PLANS").await.unwrap();
            world.enter(&client, "a").await;
            assert_eq!(text(&client, COUNT).await.unwrap(), "1");
            leave(&client).await;
            assert_eq!(refused(&client, "SELECT tenancy.enter(1, 322, 1, 0, 0, 0, 0, 0, 0, 0, 'x')").await, "TN002");
        }
        drop(client);
        reading.await.unwrap();
        let said = notices.iter().collect::<String>();
        assert!(said.len() > 10_000, "the plans were printed: {}", said.len());
        // The key of the tests is 32 times the byte 1: padded, 37 and 5d; a plan prints a constant's bytes in decimal.
        for printed in ["37373737", "5d5d5d5d", "55 55 55 55", "93 93 93 93", "0101010101"] {
            assert!(!said.contains(printed), "{printed}");
        }
    })
    .await;
}

#[tokio::test]
async fn hostile_operators_and_functions_fool_nothing() {
    on_every_major(async |world| {
        // Somebody with the right to it made a schema of liars, and it comes first; a path skips
        // a schema that the function's owner may not use, so everybody may.
        let mut sql = "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;".to_owned();
        for (name, left, result, value) in [
            ("=", "bytea, bytea", "boolean", "true"),
            ("=", "bigint, bigint", "boolean", "true"),
            ("=", "bigint, integer", "boolean", "true"),
            ("=", "text, text", "boolean", "true"),
            ("<>", "bigint, bigint", "boolean", "false"),
            ("<>", "bigint, integer", "boolean", "false"),
            ("<", "bigint, integer", "boolean", "false"),
            (">", "bigint, integer", "boolean", "true"),
            ("~", "text, text", "boolean", "true"),
            ("&", "bigint, integer", "bigint", "65"),
        ] {
            let (a, b) = left.split_once(", ").unwrap();
            let function = format!("f_{}_{a}_{b}", name.bytes().map(|byte| byte.to_string()).collect::<String>());
            let _ = write!(
                sql,
                "CREATE FUNCTION evil.{function}({left}) RETURNS {result} LANGUAGE sql IMMUTABLE AS 'SELECT {value}::{result}'; \
                 CREATE OPERATOR evil.{name} (LEFTARG = {a}, RIGHTARG = {b}, FUNCTION = evil.{function});"
            );
        }
        for (signature, result, value) in [
            ("sha256(bytea)", "bytea", "''::bytea"),
            ("int8send(bigint)", "bytea", "''::bytea"),
            ("now()", "timestamptz", "'epoch'::timestamptz"),
            ("currval(regclass)", "bigint", "65::bigint"),
            ("encode(bytea, text)", "text", "'b'::text"),
            ("gen_random_uuid()", "uuid", "'00000000-0000-0000-0000-000000000000'::uuid"),
        ] {
            let _ = write!(sql, "CREATE FUNCTION evil.{signature} RETURNS {result} LANGUAGE sql AS $$SELECT {value}$$;");
        }
        sql += "CREATE DOMAIN evil.int8 AS bigint DEFAULT 65; CREATE DOMAIN evil.text AS pg_catalog.text;";
        world.admin.batch_execute(&sql).await.unwrap();
        let client = world.runtime().await;
        client.batch_execute("SET search_path = evil, pg_catalog, public").await.unwrap();
        let zero = "pg_catalog.decode('', 'hex')";
        leave(&client).await;
        assert_eq!(refused(&client, "SELECT tenancy.current_tenant()").await, "TN001");
        assert_eq!(refused(&client, &format!("SELECT tenancy.enter(1, 321, 7061644234309009408, 0, 0, 0, 0, 0, 0, 0, {zero})")).await, "TN002");
        world.enter(&client, "a").await;
        assert_eq!(text(&client, "SELECT pg_catalog.min(title) FROM public.notes").await.unwrap(), "a1");
        assert_eq!(text(&client, "SELECT tenancy.current_tenant()").await.unwrap(), "a");
        assert_ne!(leave(&client).await, leave(&client).await);
    })
    .await;
}

#[tokio::test]
async fn a_read_only_session_keeps_no_scope_by_error() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        world.enter(&client, "a").await;
        client
            .batch_execute("SET default_transaction_read_only = on")
            .await
            .unwrap();
        assert_eq!(refused(&client, "SELECT tenancy.leave()").await, "25006");
        // An error is no end of a scope: that is why the scrub begins with READ WRITE.
        assert_eq!(text(&client, CURRENT).await.unwrap(), "a");
        client
            .batch_execute("BEGIN READ WRITE; SELECT tenancy.leave(); COMMIT")
            .await
            .unwrap();
        assert_eq!(refused(&client, CURRENT).await, "TN001");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_open_for_those_who_never_entered() {
    on_every_major(async |world: World| {
        let owner = world
            .database
            .connect(&world.database.owner_url())
            .await
            .unwrap();
        assert_eq!(
            refused(&owner, COUNT).await,
            "55000",
            "the owner is behind its own wall"
        );
        assert_eq!(refused(&owner, "SELECT tenancy.leave()").await, "42501");
        let central = world
            .database
            .connect(&world.database.central_url())
            .await
            .unwrap();
        assert_eq!(text(&central, COUNT).await.unwrap(), "3");
        assert_eq!(
            refused(&central, "INSERT INTO notes (id) VALUES (1)").await,
            "55000",
            "central has no tenant to default to"
        );
    })
    .await;
}
