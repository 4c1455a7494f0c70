//! Databases whose scope can be forged, under a sound adapter.

use tenancy_testkit::postgres::majors;

use super::databases::runtime;
use super::{Broken, SOUND, all_are_caught};

const BUILDS: &[Broken] = &[
    Broken {
        what: "a plain setting in place of the seal",
        sql: |_| {
            "CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER \
             AS $$ BEGIN RETURN coalesce(nullif(current_setting('shop.tenant', true), ''), \
             encode(rtrim(int8send(currval('tenancy.seal_piece_0')), '\\x00'), 'escape')); END $$"
                .into()
        },
        caught_by: &["forging.settings"],
        ..SOUND
    },
    Broken {
        what: "a scope that is open without a tenant: current_tenant() falls back to a default",
        sql: |_| {
            "CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS text LANGUAGE sql STABLE \
             AS $$ SELECT 'acme'::text $$"
                .into()
        },
        caught_by: &["reads.no_scope", "reads.own_rows", "tables.no_scope"],
        ..SOUND
    },
    Broken {
        what: "a carrier that the runtime role may set",
        sql: |database| {
            format!(
                "GRANT ALL ON ALL SEQUENCES IN SCHEMA tenancy TO {}",
                runtime(database)
            )
        },
        caught_by: &["carrier.sequences"],
        ..SOUND
    },
    Broken {
        what: "a carrier that the runtime role may read",
        sql: |database| {
            format!(
                "GRANT SELECT ON SEQUENCE tenancy.seal_challenge_0 TO {}",
                runtime(database)
            )
        },
        caught_by: &["carrier.sequences"],
        ..SOUND
    },
    Broken {
        what: "a readable key",
        sql: |database| format!("GRANT SELECT ON tenancy.seal_key TO {}", runtime(database)),
        caught_by: &["carrier.key_tables"],
        ..SOUND
    },
    Broken {
        what: "a key in the source of a function",
        sql: |_| {
            "DO $do$ DECLARE k text; BEGIN SELECT encode(inner_block, 'hex') INTO k FROM tenancy.seal_key; \
             EXECUTE format('CREATE FUNCTION tenancy.the_key() RETURNS text LANGUAGE sql AS %L', 'SELECT ' || quote_literal(k)); END $do$"
                .into()
        },
        caught_by: &["carrier.key_tables"],
        ..SOUND
    },
    Broken {
        what: "a key that is folded into the plan as a constant",
        sql: |_| {
            "CREATE FUNCTION tenancy.folded() RETURNS bytea LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER \
             AS $$ BEGIN RETURN (SELECT inner_block FROM tenancy.seal_key); END $$; \
             CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER \
             AS $$ DECLARE t text := encode(rtrim(int8send(currval('tenancy.seal_piece_0')), '\\x00'), 'escape'); \
             BEGIN SELECT t INTO t WHERE tenancy.folded() IS DISTINCT FROM t::bytea; RETURN t; END $$"
                .into()
        },
        caught_by: &["carrier.debug_output"],
        ..SOUND
    },
    Broken {
        what: "`enter` that does not spend its challenge",
        sql: |_| {
            rewritten(
                "enter",
                "done := pg_catalog.setval(''tenancy.seal_challenge_0''::pg_catalog.regclass, 0);",
                "",
            )
        },
        caught_by: &["seal.replay"],
        ..SOUND
    },
    Broken {
        what: "`enter` that closes nothing before it checks",
        sql: |_| {
            rewritten(
                "enter",
                "done := pg_catalog.setval(''tenancy.seal_mark''::pg_catalog.regclass, 0);",
                "",
            )
        },
        caught_by: &["seal.replay"],
        ..SOUND
    },
    Broken {
        what: "`enter` that checks no proof",
        sql: |_| {
            rewritten(
                "enter",
                "IS NOT TRUE THEN\n    RAISE EXCEPTION USING ERRCODE = ''TN002''",
                "IS NULL AND false THEN\n    RAISE EXCEPTION USING ERRCODE = ''TN002''",
            )
        },
        caught_by: &["seal.replay", "seal.swap", "seal.spent_for_good"],
        ..SOUND
    },
    Broken {
        what: "`enter` that lets a second tenant into a transaction",
        sql: |_| {
            rewritten(
                "enter",
                "IS NOT TRUE THEN\n    RAISE EXCEPTION USING ERRCODE = ''TN004''",
                "IS NULL AND false THEN\n    RAISE EXCEPTION USING ERRCODE = ''TN004''",
            )
        },
        caught_by: &["seal.second_tenant"],
        ..SOUND
    },
    Broken {
        what: "`leave` that leaves the scope open",
        sql: |_| {
            rewritten(
                "leave",
                "done := pg_catalog.setval(''tenancy.seal_mark''::pg_catalog.regclass, 0);",
                "BEGIN m := pg_catalog.currval(''tenancy.seal_mark''); EXCEPTION WHEN OTHERS THEN \
                 done := pg_catalog.setval(''tenancy.seal_mark'', 0); END;",
            )
        },
        caught_by: &["reads.no_scope", "seal.discard"],
        ..SOUND
    },
    Broken {
        what: "names in `enter` that the caller's path resolves",
        sql: |_| rewritten("enter", "OPERATOR(pg_catalog.=) p_mac", "= p_mac"),
        caught_by: &["hostile_names.search_path"],
        ..SOUND
    },
    Broken {
        what: "a transaction-bound scope that is not compared with the transaction",
        sql: |_| {
            rewritten(
                "current_tenant",
                "(m OPERATOR(pg_catalog.>>) 8) OPERATOR(pg_catalog.<>) pg_catalog.int8",
                "(-1) OPERATOR(pg_catalog.>) pg_catalog.int8",
            )
        },
        caught_by: &["seal.transaction_bound", "transactions.bound"],
        ..SOUND
    },
];

/// One piece of an installed function's source replaced; both between doubled quotes. Fails when
/// the piece is not there, so that no build is broken in name only.
fn rewritten(function: &str, from: &str, to: &str) -> String {
    format!(
        "DO $do$ DECLARE source text; BEGIN \
         SELECT pg_get_functiondef(oid) INTO source FROM pg_proc \
         WHERE pronamespace = 'tenancy'::regnamespace AND proname = '{function}'; \
         IF strpos(source, '{from}') = 0 THEN RAISE EXCEPTION 'the piece is not in {function}'; END IF; \
         EXECUTE replace(source, '{from}', '{to}'); END $do$;"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seals() {
    all_are_caught(BUILDS, &majors()).await;
}
