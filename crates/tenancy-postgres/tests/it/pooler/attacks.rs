//! What one client's transaction leaves for the next client: everything with `PgBouncer`'s defaults,
//! nothing with the resets that `tenancy` asks for.

use tenancy_postgres::pooler::RESET_QUERY;
use tenancy_postgres::seal::Binding;
use tenancy_testkit::pgbouncer::PgBouncerConfig;

use super::{begin, carelessly, client, enter, last_row, on_every_major, one, pooled};
use crate::support::{refused, text};

/// What it is, what a's transaction does, what b's transaction looks with, and what it sees then.
const LEFTOVERS: &[(&str, &str, &str, &str)] = &[
    (
        "a cursor of a's rows",
        "DECLARE loot CURSOR WITH HOLD FOR SELECT title FROM notes",
        "FETCH ALL FROM loot",
        "a1",
    ),
    (
        "a prepared statement, in the place of b's own",
        "PREPARE s0 AS SELECT 'a was here'",
        "EXECUTE s0",
        "a was here",
    ),
    (
        "a setting",
        "SET transform_null_equals = on",
        "SHOW transform_null_equals",
        "on",
    ),
    (
        "a setting, by one SELECT",
        "SELECT set_config('search_path', 'evil', false)",
        "SHOW search_path",
        "evil",
    ),
    (
        "a listener",
        "LISTEN gossip",
        "SELECT pg_listening_channels()",
        "gossip",
    ),
    (
        "a lock",
        "SELECT pg_advisory_lock(4711)",
        "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        "4711",
    ),
    (
        "a temporary table that stands before b's",
        "CREATE TEMPORARY TABLE notes AS SELECT title FROM notes",
        "SELECT title FROM notes",
        "a1",
    ),
];

#[tokio::test]
async fn what_one_client_leaves_reaches_the_next_only_without_the_resets() {
    on_every_major(async |world| {
        // The test's own carelessness, so that temporary tables can be tried at all.
        let name = world.database.name();
        let role = world.database.pooled_role();
        world
            .admin
            .batch_execute(&format!(
                "GRANT TEMPORARY ON DATABASE {name} TO {role}; DELETE FROM tenancy.runtime_role WHERE role_name = '{role}'"
            ))
            .await
            .unwrap();
        for (what, leave, look, seen) in LEFTOVERS {
            let careful = PgBouncerConfig::careful(&world.database);
            let cheaper = PgBouncerConfig {
                server_reset_query: RESET_QUERY.to_owned(),
                ..careful.clone()
            };
            for (config, reaches) in [
                (PgBouncerConfig::careless(&world.database), true),
                (careful, false),
                (cheaper, false),
            ] {
                let pooler = one(config).await;
                let (a, b) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
                carelessly(world, &a, "a", leave).await.unwrap();
                let found = carelessly(world, &b, "b", look).await.unwrap_or_default();
                let found = found.first().cloned().flatten().unwrap_or_default();
                assert_eq!(found == *seen, reaches, "{what}: {found}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_driver_prepared_reaches_the_next_only_without_the_resets() {
    on_every_major(async |world| {
        for (config, reaches) in [
            (PgBouncerConfig::careless(&world.database), true),
            (PgBouncerConfig::careful(&world.database), false),
        ] {
            let pooler = one(config).await;
            let (a, b) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
            a.batch_execute("BEGIN").await.unwrap();
            let _kept = a.prepare("SELECT 'a prepared this'").await.unwrap();
            a.batch_execute("COMMIT").await.unwrap();
            let count = text(
                &b,
                "SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql",
            )
            .await
            .unwrap();
            assert_eq!(count, if reaches { "1" } else { "0" });
        }
    })
    .await;
}

/// Why a pool that works with sessions must not be behind a pooler, and why the pooled login can't be
/// made to.
#[tokio::test]
async fn a_scope_of_the_session_reaches_the_next_client() {
    on_every_major(async |world| {
        let pooler = one(PgBouncerConfig::careless(&world.database)).await;
        let runtime = world.database.runtime_role();
        let (a, b) = (
            client(world, &pooler, runtime).await,
            client(world, &pooler, runtime).await,
        );
        world.enter(&a, "a").await;
        assert_eq!(
            text(&b, "SELECT title FROM notes").await.unwrap(),
            "a1",
            "b never entered"
        );

        let (a, b) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
        let proof = world.prove(&a, "a", Binding::Session).await;
        assert_eq!(refused(&a, &proof.enter_sql()).await, "TN006");
        assert_eq!(refused(&b, "SELECT title FROM notes").await, "TN001");
    })
    .await;
}

#[tokio::test]
async fn a_scope_is_dead_in_the_next_transaction_of_the_same_server_connection() {
    on_every_major(async |world| {
        // Without the resets too: nobody but the server ends it.
        for (config, dead) in [
            (PgBouncerConfig::careless(&world.database), "TN001"),
            (PgBouncerConfig::careful(&world.database), "55000"),
        ] {
            let pooler = one(config).await;
            let (a, b) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
            for end in ["COMMIT", "ROLLBACK"] {
                let sql = "SELECT pg_backend_pid() FROM notes";
                let pid = carelessly(world, &a, "a", sql).await.unwrap();
                assert_eq!(last_row(&b, "SELECT pg_backend_pid()").await.unwrap(), pid);
                assert_eq!(refused(&b, "SELECT title FROM notes").await, dead, "{end}");
                assert_eq!(refused(&a, "SELECT title FROM notes").await, dead, "{end}");
            }
        }
    })
    .await;
}

/// Each transaction looks at its server connection before it is handed out.
#[tokio::test]
async fn a_careless_pooler_is_found_by_the_second_transaction() {
    on_every_major(async |world| {
        let pooler = one(PgBouncerConfig::careless(&world.database)).await;
        let (a, b) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
        enter(world, &a, "a").await;
        a.batch_execute("COMMIT").await.unwrap();
        let refused = begin(world, &b).await.unwrap_err().to_string();
        assert!(refused.contains("server_reset_query_always"), "{refused}");
        b.batch_execute("ROLLBACK").await.unwrap();

        let pooler = one(PgBouncerConfig::careful(&world.database)).await;
        let (a, b) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
        for client in [&a, &b, &a] {
            enter(world, client, "a").await;
            assert_eq!(text(client, "SELECT title FROM notes").await.unwrap(), "a1");
            client.batch_execute("COMMIT").await.unwrap();
        }
    })
    .await;
}

/// What no reset takes away.
#[tokio::test]
async fn the_random_seed_of_another_is_drawn_anew() {
    on_every_major(async |world| {
        let pooler = one(PgBouncerConfig::careful(&world.database)).await;
        let (a, b) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
        for foretold in [true, false] {
            let mut drawn = Vec::new();
            for _ in 0..2 {
                carelessly(world, &a, "a", "SELECT setseed(0.5)")
                    .await
                    .unwrap();
                let sql = "SELECT random()";
                drawn.push(if foretold {
                    text(&b, sql).await.unwrap()
                } else {
                    enter(world, &b, "b").await;
                    let drawn = text(&b, sql).await.unwrap();
                    b.batch_execute("COMMIT").await.unwrap();
                    drawn
                });
            }
            assert_eq!(drawn[0] == drawn[1], foretold);
        }
    })
    .await;
}

/// Where the server connection belongs to another login, nothing is handed out.
#[tokio::test]
async fn another_login_behind_the_pooler_is_found() {
    on_every_major(async |world| {
        let pooler = one(PgBouncerConfig::careful(&world.database)).await;
        let other = client(world, &pooler, world.database.runtime_role()).await;
        let refused = begin(world, &other).await.unwrap_err().to_string();
        assert!(refused.contains("another role"), "{refused}");
    })
    .await;
}
