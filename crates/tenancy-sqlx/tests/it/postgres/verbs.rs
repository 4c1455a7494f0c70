//! Every verb, both ways round: what a tenant sees and writes is its own, judged by the admin.

use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{Acquire as _, Connection as _, PgConnection, Row as _};
use tenancy_core::TenantScope;
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{BulkInsert, Isolation, PoolError, explain};

use super::stage::{ACME, GLOBEX, Stage, all_back, each};

const BOTH: [(&str, &str); 2] = [(ACME, GLOBEX), (GLOBEX, ACME)];

fn own(tenant: &str) -> Vec<(i64, String)> {
    (1..=3).map(|id| (id, format!("{tenant} {id}"))).collect()
}

async fn notes(connection: &mut PgConnection) -> Vec<(i64, String)> {
    sqlx::query_as("SELECT id, title FROM notes ORDER BY id")
        .fetch_all(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_checkout_sees_its_tenant_only() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        for (tenant, other) in BOTH {
            stage
                .tenancy
                .run(tenant, async |scope: &TenantScope| -> Result<(), Error> {
                    let mut db = pool.acquire(scope).await?;
                    assert_eq!(notes(&mut db).await, own(tenant));
                    let joined: Vec<(String, String)> = sqlx::query_as(
                        "SELECT n.title, t.tag FROM notes n JOIN tags t ON t.note = n.id ORDER BY n.id",
                    )
                    .fetch_all(&mut *db)
                    .await?;
                    assert_eq!(joined.len(), 3);
                    assert!(joined.iter().all(|(_, tag)| *tag == format!("of {tenant}")));
                    // The other's row of the same key: not there to be read, changed or removed.
                    for sql in [
                        "UPDATE notes SET title = 'stolen' WHERE tenant_id = $1",
                        "DELETE FROM tags WHERE tenant_id = $1",
                    ] {
                        let done = sqlx::query(sql).bind(other).execute(&mut *db).await?;
                        assert_eq!(done.rows_affected(), 0);
                    }
                    let forged = sqlx::query("INSERT INTO notes VALUES ($1, 9, 'forged')")
                        .bind(other)
                        .execute(&mut *db)
                        .await
                        .unwrap_err();
                    assert!(explain(&forged).unwrap().contains("another tenant"));
                    Ok(())
                })
                .await
                .unwrap();
            assert_eq!(stage.titles(other).await.len(), 3);
        }
        assert_eq!(stage.titles(ACME).await, ["acme 1", "acme 2", "acme 3"]);
        assert_eq!(stage.titles(GLOBEX).await, ["globex 1", "globex 2", "globex 3"]);
        all_back(&pool).await;
        pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn one_statement_on_the_spot_with_the_drivers_executor() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM notes")
            .fetch_one(pool.acquire(&acme.scope).await.unwrap().executor())
            .await
            .unwrap();
        assert_eq!(count, 3);
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn transactions_commit_roll_back_and_nest() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        for (tenant, other) in BOTH {
            let open = stage.scope(tenant).await;
            let mut tx = pool.begin(&open.scope).await.unwrap();
            add(&mut tx, 10).await;
            let mut inner = tx.begin().await.unwrap();
            add(&mut inner, 11).await;
            inner.rollback().await.unwrap();
            let mut inner = tx.begin().await.unwrap();
            add(&mut inner, 12).await;
            inner.commit().await.unwrap();
            tx.commit().await.unwrap();

            let mut dropped = pool.begin(&open.scope).await.unwrap();
            add(&mut dropped, 13).await;
            drop(dropped);
            let mut taken_back = pool.begin(&open.scope).await.unwrap();
            add(&mut taken_back, 14).await;
            taken_back.rollback().await.unwrap();

            let expected = [1, 2, 3, 10, 12];
            assert_eq!(stage.titles(tenant).await.len(), expected.len());
            assert!(!stage.titles(other).await.contains(&format!("{tenant} new")));
            open.end().await;
        }
        all_back(&pool).await;
    })
    .await;
}

#[tokio::test]
async fn a_transaction_begins_at_the_isolation_level_that_is_asked_for() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        for (level, shown) in [
            (Isolation::ReadCommitted, "read committed"),
            (Isolation::RepeatableRead, "repeatable read"),
            (Isolation::Serializable, "serializable"),
        ] {
            let mut tx = pool.begin_isolated(&acme.scope, level).await.unwrap();
            let is: String = sqlx::query_scalar("SHOW transaction_isolation")
                .fetch_one(&mut **tx)
                .await
                .unwrap();
            assert_eq!(is, shown);
            sqlx::raw_sql("SET TRANSACTION READ ONLY")
                .execute(&mut **tx)
                .await
                .unwrap();
            assert_eq!(notes(&mut tx).await, own(ACME));
            tx.commit().await.unwrap();
        }
        acme.end().await;
    })
    .await;
}

/// Code that wants the driver's own transaction type.
async fn add(tx: &mut sqlx::Transaction<'_, sqlx::Postgres>, id: i64) {
    sqlx::query("INSERT INTO notes (id, title) VALUES ($1, tenancy.current_tenant() || ' new')")
        .bind(id)
        .execute(&mut **tx)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_closure_commits_on_ok_and_rolls_back_on_err() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let open = stage.scope(ACME).await;
        let title = String::from("kept");
        let id = pool
            .transaction(&open.scope, async |tx| -> sqlx::Result<i64> {
                sqlx::query("INSERT INTO notes (id, title) VALUES (20, $1)")
                    .bind(&title)
                    .execute(&mut *tx)
                    .await?;
                Ok(20)
            })
            .await
            .unwrap();
        assert_eq!(id, 20);
        let failed = pool
            .transaction(&open.scope, async |tx| {
                sqlx::query("INSERT INTO notes (id, title) VALUES (21, 'x')")
                    .execute(tx)
                    .await?;
                Err::<(), _>(sqlx::Error::RowNotFound)
            })
            .await;
        assert!(matches!(failed, Err(sqlx::Error::RowNotFound)));
        assert_eq!(stage.titles(ACME).await.last().unwrap(), "kept");
        assert_eq!(stage.titles(ACME).await.len(), 4);
        open.end().await;
        all_back(&pool).await;
    })
    .await;
}

#[tokio::test]
async fn a_stream_outlives_its_handler_and_its_scope() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let open = stage.scope(GLOBEX).await;
        let sql = "SELECT n.title FROM notes n, generate_series(1, $1) ORDER BY n.id";
        let rows = pool
            .stream(open.scope.ticket(), sqlx::query(sql).bind(1_000_i64))
            .await
            .unwrap();
        let ended = open.end().await;
        let titles: Vec<(String,)> = rows.typed().try_collect().await.unwrap();
        assert_eq!(titles.len(), 3_000);
        assert!(titles.iter().all(|(title,)| title.starts_with(GLOBEX)));
        all_back(&pool).await;
        // A new one needs a scope that is open.
        let late = pool.stream(ended, sqlx::query("SELECT 1")).await;
        assert!(matches!(
            late,
            Err(Error::Scope(tenancy_core::Error::ScopeEnded))
        ));

        // Left half-read: its connection is drained or closed, and the next scope is right.
        let open = stage.scope(GLOBEX).await;
        let mut rows = pool
            .stream(open.scope.ticket(), sqlx::query(sql).bind(1_000_i64))
            .await
            .unwrap();
        rows.next().await.unwrap().unwrap();
        drop(rows);
        let acme = stage.scope(ACME).await;
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        assert_eq!(notes(&mut db).await, own(ACME));
        drop(db);
        // What the statement fails with comes in the stream.
        let mut rows = pool
            .stream(
                open.scope.ticket(),
                sqlx::query("SELECT 1 / (3 - id) FROM notes ORDER BY id"),
            )
            .await
            .unwrap();
        let last = loop {
            match rows.next().await.unwrap() {
                Ok(row) => assert!(row.get::<i64, _>(0) > -1),
                Err(error) => break error,
            }
        };
        assert!(matches!(last, Error::Statement(_)));
        assert!(rows.next().await.is_none());
        drop(rows);
        acme.end().await;
        open.end().await;
        all_back(&pool).await;
    })
    .await;
}

#[tokio::test]
async fn prepared_statements_serve_the_tenant_that_runs_them() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for _ in 0..8 {
            for (scope, tenant) in [(&acme.scope, ACME), (&globex.scope, GLOBEX)] {
                let mut db = pool.acquire(scope).await.unwrap();
                assert_eq!(notes(&mut db).await, own(tenant));
                let one: String = sqlx::query_scalar("SELECT title FROM notes WHERE id = $1")
                    .bind(2_i64)
                    .fetch_one(&mut *db)
                    .await
                    .unwrap();
                assert_eq!(one, format!("{tenant} 2"));
                // Kept from one scope to the next: the plan is the server's, the tenant is not in it.
                assert!(db.cached_statements_size() >= 2);
            }
        }
        acme.end().await;
        globex.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_ambient_scope_is_enough() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        stage
            .tenancy
            .run(ACME, async |_: &TenantScope| -> Result<(), Error> {
                assert_eq!(notes(&mut *pool.acquire_current().await?).await, own(ACME));
                let mut tx = pool.begin_owned(TenantScope::current()?).await?;
                assert_eq!(notes(&mut tx).await, own(ACME));
                let ticket = TenantScope::current()?;
                drop(tx);
                assert_eq!(notes(&mut *pool.acquire(&ticket).await?).await, own(ACME));
                Ok(())
            })
            .await
            .unwrap();
        let none = pool.acquire_current().await.unwrap_err();
        assert!(matches!(none, Error::Scope(tenancy_core::Error::NoScope)));
    })
    .await;
}

#[tokio::test]
async fn a_bulk_insert_stands_in_for_copy_from() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let open = stage.scope(ACME).await;
        let mut db = pool.acquire(&open.scope).await.unwrap();
        let refused = db.copy_in_raw("COPY notes FROM STDIN").await.err().unwrap();
        assert!(explain(&refused).unwrap().contains("BulkInsert"));
        drop(db);
        let mut tx = pool.begin(&open.scope).await.unwrap();
        let ids: Vec<i64> = (100..1_100).collect();
        let titles = ids.iter().map(|id| format!("bulk {id}")).collect();
        let inserted = BulkInsert::into("notes")
            .column("id", ids)
            .column("title", titles)
            .execute(&mut tx)
            .await
            .unwrap();
        assert_eq!(inserted, 1_000);
        tx.commit().await.unwrap();
        assert_eq!(stage.titles(ACME).await.len(), 1_003);
        assert_eq!(stage.titles(GLOBEX).await.len(), 3);

        let mut db = pool.acquire(&open.scope).await.unwrap();
        let uneven = BulkInsert::into("notes")
            .column("id", vec![1_i64, 2])
            .column("title", vec!["one".to_owned()])
            .execute(&mut db)
            .await;
        assert!(matches!(uneven, Err(Error::Pool(PoolError::BulkShape))));
        let named = BulkInsert::into("a.b.c")
            .column("id", vec![1_i64])
            .execute(&mut db)
            .await;
        assert!(matches!(named, Err(Error::Pool(PoolError::Enforcement(_)))));
        let nothing = BulkInsert::into("notes").execute(&mut db).await;
        assert!(matches!(nothing, Err(Error::Pool(PoolError::BulkShape))));
        drop(db);
        open.end().await;
    })
    .await;
}
