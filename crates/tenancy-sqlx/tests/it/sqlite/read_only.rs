//! A tenant that may only be read: SQLite refuses every write in its scopes, and no longer.

use sqlx::{AssertSqlSafe, Connection as _};
use tenancy_core::{Availability, TenantScope};
use tenancy_sqlx::Error;

use super::support::{World, id, judge, world, world_with};

impl World {
    fn set(&self, availability: Availability) {
        self.store
            .set_availability(&id("acme"), availability)
            .unwrap();
        self.tenancy.invalidate(&id("acme"));
    }
}

const READ_ONLY: Availability = Availability::ReadOnly { until: None };

const WRITES: [&str; 26] = [
    "INSERT INTO notes (title) VALUES ('x')",
    "INSERT INTO notes (title) VALUES ('x') RETURNING id",
    "INSERT INTO notes VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET title = 'x'",
    "REPLACE INTO notes VALUES (1, 'x')",
    "UPDATE notes SET title = 'x'",
    "DELETE FROM notes",
    "WITH gone AS (SELECT 1 AS id) DELETE FROM notes WHERE id IN (SELECT id FROM gone)",
    "CREATE TABLE mine (id INTEGER)",
    "CREATE INDEX by_title ON notes (title)",
    "CREATE VIEW seen AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON notes BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE words USING fts5(title)",
    "CREATE TEMP TABLE mine (id INTEGER)",
    "DROP TABLE notes",
    "ALTER TABLE notes ADD COLUMN more TEXT",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "PRAGMA user_version = 7",
    "PRAGMA query_only = 0",
    "PRAGMA writable_schema = 1",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA incremental_vacuum",
    "PRAGMA optimize",
    "BEGIN IMMEDIATE; INSERT INTO notes (title) VALUES ('x'); COMMIT",
    "SAVEPOINT a; DELETE FROM notes; RELEASE a",
];

#[tokio::test]
async fn control_a_scope_that_is_open_writes() {
    let world = world().await;
    for sql in &WRITES[..6] {
        world.execute("acme", sql).await.unwrap();
    }
    assert!(world.titles("acme").await.is_empty());
}

#[tokio::test]
async fn no_sql_writes() {
    let world = world().await;
    world.set(READ_ONLY);
    for sql in WRITES {
        let raw = world.execute("acme", sql).await;
        assert!(raw.is_err(), "{sql}");
        let mut connection = world.checkout("acme").await.unwrap();
        let prepared = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut *connection)
            .await;
        assert!(prepared.is_err(), "{sql}");
    }
    assert_eq!(world.titles("acme").await, ["secret of acme"]);
    assert_eq!(world.count("acme").await, 1);
    world
        .execute("globex", "INSERT INTO notes (title) VALUES ('x')")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_transaction_reads_and_does_not_write() {
    let world = world().await;
    world.set(READ_ONLY);
    // Somebody else writes meanwhile: a migration, say.
    let mut migration = judge(&world.path("acme")).await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut migration)
        .await
        .unwrap();
    let (db, tenancy) = (&world.db, &world.tenancy);
    let read: i64 = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<i64, Error> {
            db.transaction(scope, async |tx| -> Result<i64, Error> {
                let written = sqlx::query("DELETE FROM notes").execute(&mut *tx).await;
                let refused = written.unwrap_err();
                assert!(refused.to_string().contains("not authorized"), "{refused}");
                let nested = tx
                    .begin()
                    .await
                    .map_err(|error| Error::Statement(error.into()))?;
                drop(nested);
                sqlx::query_scalar("SELECT count(*) FROM notes")
                    .fetch_one(&mut *tx)
                    .await
                    .map_err(|error| Error::Statement(error.into()))
            })
            .await
        })
        .await
        .unwrap();
    assert_eq!(read, 1);
    migration.close().await.unwrap();
    assert_eq!(world.titles("acme").await, ["secret of acme"]);
}

/// One connection, which both kinds of scope get, with a statement that it has prepared.
#[tokio::test]
async fn a_connection_changes_with_its_tenant_both_ways() {
    let world = world_with(&["acme"], |builder| builder.connections_per_tenant(1)).await;
    let insert = async || {
        let mut connection = world.checkout("acme").await.unwrap();
        sqlx::query("INSERT INTO notes (title) VALUES ('more')")
            .execute(&mut *connection)
            .await
            .map(drop)
    };
    for round in 1..=3 {
        insert().await.unwrap();
        // It was checked out while the tenant was open, and stays what it is.
        let mut before = world.checkout("acme").await.unwrap();
        world.set(READ_ONLY);
        sqlx::query("INSERT INTO notes (title) VALUES ('more')")
            .execute(&mut *before)
            .await
            .unwrap();
        drop(before);
        let refused = insert().await.unwrap_err();
        assert!(refused.to_string().contains("not authorized"), "{refused}");
        world.set(Availability::Open);
        assert_eq!(world.titles("acme").await.len(), 1 + 2 * round);
    }
    insert().await.unwrap();
}

#[tokio::test]
async fn the_maintenance_itself_writes() {
    let world = world().await;
    for availability in [READ_ONLY, Availability::Maintenance { until: None }] {
        world.set(availability);
        let db = &world.db;
        world
            .tenancy
            .maintain("acme", async |scope: &TenantScope| -> Result<(), Error> {
                db.transaction(scope, async |tx| -> Result<(), Error> {
                    let written = sqlx::query("INSERT INTO notes (title) VALUES ('x')")
                        .execute(&mut *tx)
                        .await;
                    written
                        .map(drop)
                        .map_err(|error| Error::Statement(error.into()))
                })
                .await
            })
            .await
            .unwrap();
    }
    assert_eq!(world.titles("acme").await.len(), 3);
}
