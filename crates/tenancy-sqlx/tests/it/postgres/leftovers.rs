//! What hostile SQL leaves behind in one scope is not there in the next, on a pool of one.

use sqlx::PgConnection;
use tenancy_sqlx::postgres::TenantPool;

use super::stage::{ACME, GLOBEX, Stage, all_back, each};

pub(super) async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql)
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

pub(super) async fn asks(connection: &mut PgConnection, probe: &'static str) -> bool {
    // Not prepared, so that the probe leaves nothing of its own.
    let rows = sqlx::raw_sql(probe).fetch_all(connection).await.unwrap();
    let value = sqlx::Row::try_get_raw(&rows[0], 0).unwrap();
    value.as_str().unwrap() == "t"
}

/// What is left, and a question that answers true where it is there.
pub(super) const LEFT: [(&str, &str); 12] = [
    (
        "SELECT set_config('statement_timeout', '77', false)",
        "SELECT current_setting('statement_timeout') = '77ms'",
    ),
    (
        "SET search_path = tenancy",
        "SELECT current_setting('search_path') = 'tenancy'",
    ),
    (
        "SET default_transaction_read_only = on",
        "SELECT current_setting('default_transaction_read_only') = 'on'",
    ),
    (
        "SELECT set_config('app.note', 'acme', false)",
        "SELECT coalesce(current_setting('app.note', true), '') = 'acme'",
    ),
    (
        "BEGIN; DECLARE kept CURSOR WITH HOLD FOR SELECT * FROM notes; COMMIT",
        "SELECT EXISTS (SELECT FROM pg_cursors WHERE name = 'kept')",
    ),
    (
        "LISTEN gossip",
        "SELECT EXISTS (SELECT FROM pg_listening_channels())",
    ),
    (
        "SELECT pg_advisory_lock(4711)",
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())",
    ),
    (
        "BEGIN; UPDATE notes SET title = 'pending' WHERE id = 1",
        "SELECT EXISTS (SELECT FROM notes WHERE title = 'pending')",
    ),
    (
        "BEGIN; SELECT pg_advisory_xact_lock(4712)",
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())",
    ),
    (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SELECT current_setting('transaction_read_only') = 'on'",
    ),
    (
        "SET row_security = off",
        "SELECT current_setting('row_security') = 'off'",
    ),
    (
        "PREPARE hijack AS SELECT 1",
        "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'hijack')",
    ),
];

#[tokio::test]
async fn nothing_is_left_for_the_next_scope() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for (leave, probe) in LEFT {
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            run(&mut db, leave).await;
            assert!(asks(&mut db, probe).await, "it never was there: {leave}");
            drop(db);
            let mut db = pool.acquire(&globex.scope).await.unwrap();
            assert!(!asks(&mut db, probe).await, "left behind: {leave}");
            assert_own(&mut db).await;
            drop(db);
        }
        // In a transaction that is never ended by its owner.
        for (leave, probe) in LEFT {
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            let leave_in: Vec<_> = leave.trim_start_matches("BEGIN; ").split("; ").collect();
            run(&mut tx, leave_in[0]).await;
            drop(tx);
            let mut db = pool.acquire(&globex.scope).await.unwrap();
            assert!(
                !asks(&mut db, probe).await,
                "left behind in a transaction: {leave}"
            );
        }
        all_back(&pool).await;
        assert_eq!(stage.titles(ACME).await, ["acme 1", "acme 2", "acme 3"]);
        acme.end().await;
        globex.end().await;
    })
    .await;
}

async fn assert_own(connection: &mut PgConnection) {
    let who: Vec<String> = sqlx::query_scalar("SELECT DISTINCT tenant_id FROM notes")
        .fetch_all(connection)
        .await
        .unwrap();
    assert_eq!(who, [GLOBEX]);
}

#[tokio::test]
async fn the_random_seed_is_not_the_former_tenants() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let sql = "SELECT random()";
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        run(&mut db, "SELECT setseed(0.25)").await;
        let known: f64 = sqlx::query_scalar(sql).fetch_one(&mut *db).await.unwrap();
        run(&mut db, "SELECT setseed(0.25)").await;
        drop(db);
        let mut db = pool.acquire(&globex.scope).await.unwrap();
        let next: f64 = sqlx::query_scalar(sql).fetch_one(&mut *db).await.unwrap();
        assert!((next - known).abs() > f64::EPSILON, "predicted");
        drop(db);
        acme.end().await;
        globex.end().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_can_be_put_in_a_tables_place() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        for sql in [
            "CREATE TEMP TABLE notes (tenant_id text, id bigint, title text)",
            "CREATE TEMP VIEW notes AS SELECT 1",
            "CREATE TABLE public.mine (id integer)",
            "CREATE SCHEMA mine",
        ] {
            let error = sqlx::raw_sql(sql).execute(&mut *db).await.unwrap_err();
            let code = error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .unwrap();
            assert!(
                ["42501", "TN005"].contains(&code.as_ref()),
                "{sql}: {error}"
            );
        }
        drop(db);
        acme.end().await;
    })
    .await;
}

const QUERY: &str = "SELECT title FROM notes WHERE id = $1";

async fn second_title(pool: &TenantPool, scope: &tenancy_core::TenantScope) -> String {
    let mut db = pool.acquire(scope).await.unwrap();
    sqlx::query_scalar(QUERY)
        .bind(2_i64)
        .fetch_one(&mut *db)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_hijacked_prepared_statement_serves_nobody() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for steal in [
            "DO $$ DECLARE s record; BEGIN FOR s IN SELECT name FROM pg_prepared_statements LOOP \
             EXECUTE format('DEALLOCATE %I', s.name); \
             EXECUTE format('PREPARE %I (bigint) AS SELECT ''stolen''::text FROM (SELECT $1) a', s.name); END LOOP; END $$",
            "DEALLOCATE ALL",
            "DEALLOCATE ALL; PREPARE sqlx_s_1 (bigint) AS SELECT 'stolen'::text FROM (SELECT $1) a",
        ] {
            assert_eq!(second_title(&pool, &acme.scope).await, "acme 2");
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            // Without the language the first way is barred as well.
            let tried = sqlx::raw_sql(steal).execute(&mut *db).await;
            if tried.is_ok() && steal.contains("PREPARE") {
                let stolen: Result<String, _> =
                    sqlx::query_scalar(QUERY).bind(2_i64).fetch_one(&mut *db).await;
                assert_eq!(stolen.unwrap(), "stolen", "the attack does not work any more");
            }
            drop(db);
            assert_eq!(second_title(&pool, &globex.scope).await, "globex 2");
        }
        all_back(&pool).await;
        acme.end().await;
        globex.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_notification_for_a_former_tenant_reaches_nobody() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        run(&mut db, "LISTEN gossip").await;
        stage
            .admin
            .batch_execute("NOTIFY gossip, 'for acme'")
            .await
            .unwrap();
        drop(db);
        stage
            .admin
            .batch_execute("NOTIFY gossip, 'for acme'")
            .await
            .unwrap();
        for _ in 0..3 {
            assert_eq!(second_title(&pool, &globex.scope).await, "globex 2");
        }
        all_back(&pool).await;
        acme.end().await;
        globex.end().await;
    })
    .await;
}
