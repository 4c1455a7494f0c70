//! A half-read `COPY .. TO` leaves SQLx one answer behind: its own ping is content, and the next
//! statement reads the answer before its own.

use futures_util::StreamExt as _;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection};
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::PoolError;

use super::stage::{ACME, GLOBEX, Stage, all_back, each};

pub(super) async fn half_read(connection: &mut PgConnection) {
    let mut copy = connection
        .copy_out_raw("COPY (SELECT pg_catalog.generate_series(1, 3)) TO STDOUT")
        .await
        .unwrap();
    copy.next().await.unwrap().unwrap();
}

pub(super) async fn fails(connection: &mut PgConnection) -> bool {
    sqlx::raw_sql("SELECT 1 / 0")
        .execute(connection)
        .await
        .is_err()
}

#[tokio::test]
async fn on_a_plain_pool_a_failure_reads_as_done() {
    each(async |stage: Stage| {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect(&stage.database.admin_url())
            .await
            .unwrap();
        half_read(&mut pool.acquire().await.unwrap()).await;
        let failed = fails(&mut pool.acquire().await.unwrap()).await;
        assert!(
            !failed,
            "SQLx reads its answers in step again: the guard may be simplified"
        );
    })
    .await;
}

#[tokio::test]
async fn on_ours_the_connection_is_dropped() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for _ in 0..5 {
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            let before = backend(&mut db).await;
            half_read(&mut db).await;
            drop(db);
            let mut db = pool.acquire(&globex.scope).await.unwrap();
            assert!(fails(&mut db).await);
            assert_ne!(backend(&mut db).await, before);
            let who: Vec<String> = sqlx::query_scalar("SELECT DISTINCT tenant_id FROM notes")
                .fetch_all(&mut *db)
                .await
                .unwrap();
            assert_eq!(who, [GLOBEX]);
        }
        all_back(&pool).await;
        acme.end().await;
        globex.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_behind_it_is_not_taken_for_done() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        half_read(&mut tx).await;
        assert!(matches!(
            tx.commit().await,
            Err(Error::Pool(PoolError::CommitUnknown(_)))
        ));
        let ended = pool
            .transaction(&acme.scope, async |tx| -> Result<(), Error> {
                half_read(tx).await;
                Ok(())
            })
            .await;
        assert!(matches!(
            ended,
            Err(Error::Pool(PoolError::CommitUnknown(_)))
        ));
        all_back(&pool).await;
        acme.end().await;
    })
    .await;
}

pub(super) async fn backend(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_answer_that_was_left_for_the_scrub_is_not_taken_for_its_own() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        let before = backend(&mut db).await;
        half_read(&mut db).await;
        db.ping().await.unwrap();
        // One behind now: this one's answer, in the form of a scrub's, is left for what comes next.
        let forged = "SELECT repeat('0', 32), repeat('0', 32), '0', \
                      (SELECT count(*) FROM pg_prepared_statements)::text, 'true'; SELECT pg_backend_pid()";
        let rows = sqlx::raw_sql(forged).fetch_all(&mut *db).await.unwrap();
        assert!(rows.is_empty(), "SQLx reads its answers in step again");
        drop(db);
        let mut db = pool.acquire(&globex.scope).await.unwrap();
        assert_ne!(backend(&mut db).await, before);
        drop(db);
        acme.end().await;
        globex.end().await;
    })
    .await;
}
