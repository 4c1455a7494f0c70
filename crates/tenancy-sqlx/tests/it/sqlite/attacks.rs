//! Raw SQL in one tenant's scope that reaches for another's file, the process or the next scope.

use sqlx::{AssertSqlSafe, Executor, SqliteConnection};
use tenancy_sqlx::sqlite::SqliteTenantConnection;

use super::support::{judge, world};

async fn run(connection: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
}

/// The same, as a statement that the driver prepares and keeps.
async fn run_prepared(connection: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .map(drop)
}

/// Without the seal the attacks succeed, so that the tests below mean something.
#[tokio::test]
async fn control_plain_sqlx_reads_the_other_file() {
    let world = world().await;
    let globex = world.path("globex");
    let mut plain = judge(&world.path("acme")).await;

    run(&mut plain, &format!("ATTACH '{}' AS g", globex.display()))
        .await
        .unwrap();
    let stolen: String = sqlx::query_scalar("SELECT title FROM g.notes")
        .fetch_one(&mut plain)
        .await
        .unwrap();
    assert_eq!(stolen, "secret of globex");
    run(&mut plain, "UPDATE g.notes SET title = 'defaced'; DETACH g")
        .await
        .unwrap();
    assert_eq!(world.titles("globex").await, ["defaced"]);

    let copy = world.folder.path().join("initech.db");
    run(&mut plain, &format!("VACUUM INTO '{}'", copy.display()))
        .await
        .unwrap();
    assert!(copy.exists());

    // Of the whole process: seen on another tenant's connection.
    run(&mut plain, "PRAGMA soft_heap_limit = 1000000007")
        .await
        .unwrap();
    let mut other = judge(&globex).await;
    let limit: i64 = sqlx::query_scalar("PRAGMA soft_heap_limit")
        .fetch_one(&mut other)
        .await
        .unwrap();
    run(&mut plain, "PRAGMA soft_heap_limit = 0").await.unwrap();
    assert_eq!(limit, 1_000_000_007);

    run(&mut plain, "PRAGMA temp_store_directory = '/tmp'")
        .await
        .unwrap();
    let folder: String = sqlx::query_scalar("PRAGMA temp_store_directory")
        .fetch_one(&mut other)
        .await
        .unwrap();
    run(&mut plain, "PRAGMA temp_store_directory = ''")
        .await
        .unwrap();
    assert_eq!(folder, "/tmp");

    run(
        &mut plain,
        "CREATE TEMP VIEW notes AS SELECT 2 AS id, 'shadow' AS title",
    )
    .await
    .unwrap();
    let shadow: String = sqlx::query_scalar("SELECT title FROM notes")
        .fetch_one(&mut plain)
        .await
        .unwrap();
    assert_eq!(shadow, "shadow");
}

#[tokio::test]
async fn no_sql_leaves_the_file() {
    let world = world().await;
    let globex = world.path("globex").display().to_string();
    let folder = world.folder.path().display().to_string();
    let attacks = [
        format!("ATTACH '{globex}' AS g"),
        format!("ATTACH DATABASE 'file:{globex}' AS g"),
        format!("ATTACH 'file:{globex}?mode=ro&immutable=1' AS g"),
        format!("ATTACH 'file:{globex}?vfs=unix-none' AS g"),
        format!("aTtAcH ('{globex}' || '') AS g"),
        format!("ATTACH (SELECT '{globex}') AS g"),
        format!("SELECT 1; ATTACH '{globex}' AS g; SELECT title FROM g.notes"),
        format!("BEGIN; ATTACH '{globex}' AS g"),
        format!("ATTACH '{globex}' AS main"),
        format!("ATTACH '{globex}' AS temp"),
        format!("/* */ ATTACH --\n '{globex}' AS g"),
        "ATTACH 'globex.db' AS g".into(),
        "ATTACH './globex.db' AS g".into(),
        "ATTACH ':memory:' AS g".into(),
        "ATTACH 'file::memory:?cache=shared' AS g".into(),
        "ATTACH '' AS g".into(),
        "DETACH main".into(),
        "DETACH temp".into(),
        format!("VACUUM INTO '{folder}/stolen.db'"),
        format!("VACUUM main INTO 'file:{folder}/stolen.db'"),
        "VACUUM".into(),
        "SELECT load_extension('libm.so.6')".into(),
        "SELECT load_extension('libm.so.6', 'x')".into(),
        "SELECT fts3_tokenizer('simple', x'0000000000000000')".into(),
        "SELECT sqlite_log(1, 'forged line')".into(),
        "CREATE VIEW v AS SELECT load_extension('x'); SELECT * FROM v".into(),
        "CREATE TABLE t (a DEFAULT (load_extension('x'))); INSERT INTO t DEFAULT VALUES".into(),
    ];
    for attack in &attacks {
        let mut connection = world.checkout("acme").await.unwrap();
        assert!(run(&mut connection, attack).await.is_err(), "{attack}");
        drop(connection);
        let mut connection = world.checkout("acme").await.unwrap();
        assert!(
            run_prepared(&mut connection, attack).await.is_err(),
            "prepared: {attack}"
        );
        // And what it may have left is no way out either.
        assert!(
            run(&mut connection, "SELECT title FROM g.notes")
                .await
                .is_err(),
            "{attack}"
        );
    }
    assert_eq!(world.titles("globex").await, ["secret of globex"]);
    assert!(!world.folder.path().join("stolen.db").exists());
}

#[tokio::test]
async fn no_sql_changes_the_process_or_the_connection() {
    let world = world().await;
    let settings = [
        "PRAGMA soft_heap_limit = 1000000007",
        "PRAGMA hard_heap_limit = 1000000007",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA data_store_directory = '/tmp'",
        "PRAGMA main.temp_store_directory('/tmp')",
        "PrAgMa \"temp_store_directory\" = '/tmp'",
        "PRAGMA temp_store = 1",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode = OFF",
        "PRAGMA journal_mode = MEMORY",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA defer_foreign_keys = ON",
        "PRAGMA query_only = 1",
        "PRAGMA synchronous = OFF",
        "PRAGMA busy_timeout = 0",
        "PRAGMA cache_size = 1",
        "PRAGMA mmap_size = 1000000",
        "PRAGMA max_page_count = 1",
        "PRAGMA writable_schema = 1",
        "PRAGMA trusted_schema = 1",
        "PRAGMA schema_version = 1",
        "PRAGMA application_id = 1",
        "PRAGMA recursive_triggers = 1",
        "PRAGMA case_sensitive_like = 1",
        "PRAGMA reverse_unordered_selects = 1",
        "PRAGMA ignore_check_constraints = 1",
        "PRAGMA legacy_alter_table = 1",
        "PRAGMA read_uncommitted = 1",
        "PRAGMA wal_autocheckpoint = 0",
        "PRAGMA journal_size_limit = 0",
        "PRAGMA key = 'x'",
        "PRAGMA lock_proxy_file = 'x'",
        "PRAGMA database_list",
        "SELECT * FROM pragma_database_list",
        "PRAGMA made_up_in_a_later_version = 1",
        "CREATE TEMP TABLE notes (id, title)",
        "CREATE TABLE temp.notes (id, title)",
        "CREATE TEMP TABLE t AS SELECT * FROM notes",
        "CREATE TEMP VIEW notes AS SELECT 2 AS id, 'shadow' AS title",
        "CREATE TEMP TRIGGER t AFTER INSERT ON notes BEGIN SELECT 1; END",
        "CREATE TABLE \"TEMP\".notes AS SELECT 1",
        "CREATE VIEW temp.notes AS SELECT 2 AS id, 'shadow' AS title",
        "CREATE TRIGGER temp.t AFTER INSERT ON notes BEGIN SELECT 1; END",
        "CREATE TRIGGER temp.t AFTER INSERT ON main.notes BEGIN SELECT 1; END",
        "CREATE INDEX temp.i ON notes (title)",
        "CREATE VIRTUAL TABLE temp.f USING fts5(title)",
        "INSERT INTO sqlite_schema VALUES ('table', 't', 't', 0, 'CREATE TABLE t (a)')",
        "UPDATE sqlite_schema SET sql = ''",
        "INSERT INTO sqlite_temp_schema VALUES ('table', 't', 't', 0, 'CREATE TABLE t (a)')",
    ];
    for setting in settings {
        let mut connection = world.checkout("acme").await.unwrap();
        assert!(run(&mut connection, setting).await.is_err(), "{setting}");
        assert!(
            run_prepared(&mut connection, setting).await.is_err(),
            "prepared: {setting}"
        );
    }
    let mut connection = world.checkout("acme").await.unwrap();
    let title: String = sqlx::query_scalar("SELECT title FROM notes")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(title, "secret of acme");
}

#[tokio::test]
async fn the_mark_stays() {
    let world = world().await;
    for attack in [
        "DELETE FROM tenancy_identity",
        "UPDATE tenancy_identity SET tenant = 'globex'",
        "INSERT INTO tenancy_identity VALUES ('globex')",
        "REPLACE INTO Tenancy_Identity VALUES ('globex')",
        "INSERT INTO main.\"TENANCY_IDENTITY\" VALUES ('globex') ON CONFLICT DO NOTHING",
        "WITH x AS (SELECT 1) DELETE FROM [tenancy_identity]",
        "DROP TABLE tenancy_identity",
        "DROP TABLE IF EXISTS main.tenancy_identity",
        "ALTER TABLE tenancy_identity RENAME TO other",
        "ALTER TABLE tenancy_identity ADD COLUMN more",
        "ALTER TABLE tenancy_identity RENAME COLUMN tenant TO other",
        "ALTER TABLE notes RENAME TO tenancy_identity",
        "CREATE TRIGGER t BEFORE INSERT ON tenancy_identity BEGIN SELECT 1; END",
        "CREATE INDEX i ON tenancy_identity (tenant)",
        "CREATE VIEW tenancy_identity AS SELECT 'globex' AS tenant",
        "CREATE TRIGGER t AFTER INSERT ON notes BEGIN DELETE FROM tenancy_identity; END;
         INSERT INTO notes VALUES (7, 'x')",
    ] {
        assert!(world.execute("acme", attack).await.is_err(), "{attack}");
    }
    let mut judge = judge(&world.path("acme")).await;
    let marks: Vec<String> = sqlx::query_scalar("SELECT tenant FROM tenancy_identity")
        .fetch_all(&mut judge)
        .await
        .unwrap();
    assert_eq!(marks, ["acme"]);
}

/// The seal is no cage: what an application does in its own file works.
#[tokio::test]
async fn ordinary_sql_is_free() {
    let world = world().await;
    let mut connection = world.checkout("acme").await.unwrap();
    for sql in [
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)",
        "CREATE TABLE children (id INTEGER PRIMARY KEY, parent REFERENCES parents (id) ON DELETE CASCADE)",
        "CREATE UNIQUE INDEX by_name ON parents (name)",
        "CREATE VIEW both AS SELECT * FROM parents JOIN children ON parents.id = parent",
        "CREATE TRIGGER log AFTER INSERT ON parents BEGIN INSERT INTO notes (title) VALUES (new.name); END",
        "INSERT INTO parents VALUES (1, 'a'), (2, 'b') ON CONFLICT DO UPDATE SET name = 'c' RETURNING *",
        "ALTER TABLE parents ADD COLUMN extra TEXT",
        "ALTER TABLE parents RENAME COLUMN extra TO more",
        "ALTER TABLE parents DROP COLUMN more",
        "ALTER TABLE children RENAME TO kids",
        "CREATE VIRTUAL TABLE search USING fts5(title)",
        "INSERT INTO search SELECT title FROM notes",
        "SELECT snippet(search, 0, '[', ']', '', 5) FROM search WHERE search MATCH 'secret'",
        "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)",
        "DROP TABLE boxes",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n",
        "SELECT json_extract('{\"a\":1}', '$.a'), row_number() OVER (ORDER BY id) FROM notes",
        "SELECT * FROM json_each('[1,2]')",
        "PRAGMA table_info(notes)",
        "SELECT * FROM pragma_table_info('notes')",
        "SELECT name FROM sqlite_schema",
        "PRAGMA user_version = 7",
        "PRAGMA user_version",
        "PRAGMA foreign_keys",
        "PRAGMA journal_mode",
        "PRAGMA integrity_check",
        "PRAGMA foreign_key_check",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA optimize",
        "ANALYZE",
        "REINDEX",
        "BEGIN; PRAGMA defer_foreign_keys = ON; SAVEPOINT s; DELETE FROM parents; ROLLBACK TO s; RELEASE s; COMMIT",
        "DROP VIEW both; DROP TRIGGER log; DROP INDEX by_name; DROP TABLE search; DROP TABLE kids",
    ] {
        run(&mut connection, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// SQLx can replace a database by bytes in memory; SQLite does that with an attach of its own.
#[tokio::test]
async fn the_driver_can_not_replace_the_file_either() {
    let world = world().await;
    let mut connection = world.checkout("acme").await.unwrap();
    let bytes = judge(&world.path("globex"))
        .await
        .serialize(None)
        .await
        .unwrap();
    assert!(connection.deserialize(None, bytes, false).await.is_err());
    drop(connection);
    assert_eq!(world.count("acme").await, 1);
    assert_eq!(world.titles("acme").await, ["secret of acme"]);
}

#[tokio::test]
async fn the_executor_is_sealed_as_well() {
    async fn attack(connection: &mut SqliteTenantConnection<'_>, sql: String) -> bool {
        connection
            .executor()
            .execute(AssertSqlSafe(sql))
            .await
            .is_err()
    }
    let world = world().await;
    let mut connection = world.checkout("acme").await.unwrap();
    let sql = format!("ATTACH '{}' AS g", world.path("globex").display());
    assert!(attack(&mut connection, sql).await);
}
