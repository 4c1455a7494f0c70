//! `ALTER ROLE CURRENT_USER SET ..` by injected SQL gives every later server connection its defaults,
//! which no reset takes away.

use tenancy_postgres::verify::{Code, Expectations};
use tenancy_testkit::pgbouncer::PgBouncerConfig;
use tenancy_testkit::postgres::Database;

use super::{carelessly, enter, last_row, on_every_major, one, pooled};
use crate::support::{refused, text};
use crate::verify::look;

/// A hostile default, and what begins a transaction puts in its place.
const HOSTILE: &[(&str, &str, &str)] = &[
    ("search_path", "evil", "\"$user\", public"),
    ("row_security", "off", "on"),
    ("backslash_quote", "on", "safe_encoding"),
    ("transform_null_equals", "on", "off"),
    ("synchronous_commit", "off", "on"),
    ("plan_cache_mode", "force_generic_plan", "auto"),
    ("debug_print_plan", "on", "off"),
    ("default_transaction_read_only", "on", "on"),
    (
        "default_transaction_isolation",
        "serializable",
        "serializable",
    ),
];

/// Ends the pooler's server connections, so that the next ones are opened with today's defaults.
async fn reopen(admin: &tokio_postgres::Client, database: &Database) {
    let role = database.pooled_role();
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{role}'"
    );
    text(admin, &sql).await.unwrap();
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
    while text(admin, &gone).await.unwrap() != "0" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn hostile_defaults_of_the_role_are_found_and_reach_no_transaction() {
    on_every_major(async |world| {
        let pooler = one(PgBouncerConfig::careful(&world.database)).await;
        let a = pooled(world, &pooler).await;
        let expectations = Expectations::for_pooled(&world.roles).unwrap();
        for taken_back in [false, true] {
            for (name, hostile, _) in HOSTILE {
                // Read-only defaults come last, and stop this very loop otherwise.
                let sql = format!("SET LOCAL transaction_read_only = off; ALTER ROLE CURRENT_USER SET {name} = '{hostile}'");
                carelessly(world, &a, "a", &sql).await.unwrap();
            }
            reopen(&world.admin, &world.database).await;
            // Opened with them, and kept by the pooler.
            let b = pooled(world, &pooler).await;
            for (name, hostile, _) in HOSTILE {
                assert_eq!(text(&b, &format!("SHOW {name}")).await.unwrap(), *hostile, "{name}");
            }
            let findings = look(&world.admin, &expectations).await;
            assert!(findings.iter().any(|f| f.code == Code::RoleSetting && f.is_hole()), "{findings:#?}");
            let reset = format!(
                "ALTER ROLE {role} RESET ALL; ALTER ROLE {role} SET track_activities = off",
                role = world.database.pooled_role()
            );
            if taken_back {
                // Nothing is to be found in the catalog, and the server connection has them still.
                world.admin.batch_execute(&reset).await.unwrap();
                let findings = look(&world.admin, &expectations).await;
                assert!(findings.is_empty(), "{findings:#?}");
                assert_eq!(text(&b, "SHOW search_path").await.unwrap(), "evil");
            }

            enter(world, &b, "b").await;
            for (name, _, pinned) in HOSTILE {
                assert_eq!(text(&b, &format!("SHOW {name}")).await.unwrap(), *pinned, "{name}");
            }
            assert_eq!(text(&b, "SHOW transaction_read_only").await.unwrap(), "off");
            assert_eq!(text(&b, "SHOW transaction_isolation").await.unwrap(), "read committed");
            assert_eq!(text(&b, "SELECT count(*) FROM notes").await.unwrap(), "2");
            b.batch_execute("COMMIT").await.unwrap();

            world.admin.batch_execute(&reset).await.unwrap();
            reopen(&world.admin, &world.database).await;
        }
    })
    .await;
}

/// What the pooled transactions look at can't be made to lie for later connections.
#[tokio::test]
async fn the_canary_is_no_default_of_the_role() {
    on_every_major(async |world| {
        let pooler = one(PgBouncerConfig::careful(&world.database)).await;
        let client = pooled(world, &pooler).await;
        for name in ["tenancy.pooled", "tenancy.probe"] {
            let sql = format!("ALTER ROLE CURRENT_USER SET {name} = 'x'");
            assert_eq!(refused(&client, &sql).await, "42501", "{name}");
        }
        enter(world, &client, "a").await;
        assert_eq!(
            last_row(&client, "SHOW tenancy.pooled").await.unwrap()[0]
                .as_ref()
                .unwrap()
                .len(),
            32
        );
        assert_eq!(
            refused(&client, "ALTER ROLE CURRENT_USER SET tenancy.pooled = 'x'").await,
            "42501"
        );
        client.batch_execute("ROLLBACK").await.unwrap();
    })
    .await;
}
