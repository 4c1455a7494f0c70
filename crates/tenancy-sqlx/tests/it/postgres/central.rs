//! Work across tenants: by name, with a login of its own.

use std::time::Duration;

use sqlx::PgConnection;
use tenancy_core::{CentralScope, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{CentralPool, PoolError};
use tenancy_testkit::proxy::Proxy;

use super::half_read::backend;
use super::stage::{ACME, Stage, each};

async fn tenants(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT count(DISTINCT tenant_id) FROM notes")
        .fetch_one(connection)
        .await
        .unwrap()
}

async fn back(pool: &CentralPool) {
    // A loop in place of `until`: the future of its `AsyncFnMut` is not `Send` in a scope's closure.
    for _ in 0..1_500 {
        if pool.status().in_use == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("capacity did not come back");
}

#[tokio::test]
async fn central_sees_every_tenant_and_offers_the_same_verbs() {
    each(async |stage: Stage| {
        let pool = stage.central().await;
        stage
            .tenancy
            .central(
                "a test",
                async |scope: &CentralScope| -> Result<(), Error> {
                    assert_eq!(tenants(&mut *pool.acquire(scope).await?).await, 2);
                    let mut tx = pool.begin(scope).await?;
                    sqlx::query("UPDATE notes SET title = 'seen'")
                        .execute(&mut **tx)
                        .await?;
                    tx.rollback().await?;
                    let changed = pool
                        .transaction(scope, async |tx| -> Result<u64, Error> {
                            let sql = "UPDATE notes SET title = 'central' WHERE id = 1";
                            Ok(sqlx::query(sql).execute(tx).await?.rows_affected())
                        })
                        .await?;
                    assert_eq!(changed, 2);
                    let over = pool
                        .transaction(scope, async |tx| -> Result<(), Error> {
                            sqlx::raw_sql("COMMIT; BEGIN").execute(tx).await?;
                            Ok(())
                        })
                        .await;
                    assert!(
                        matches!(over, Err(Error::Pool(PoolError::TransactionOver))),
                        "{over:?}"
                    );
                    let failed = pool
                        .transaction(scope, async |tx| -> Result<(), Error> {
                            let _passed_over = sqlx::raw_sql("SELECT 1 / 0").execute(tx).await;
                            Ok(())
                        })
                        .await;
                    assert!(
                        matches!(failed, Err(Error::Pool(PoolError::TransactionFailed))),
                        "{failed:?}"
                    );
                    Ok(())
                },
            )
            .await
            .unwrap();
        assert_eq!(stage.titles(ACME).await, ["central", "acme 2", "acme 3"]);
        assert!(pool.verify().await.unwrap().is_empty());
        back(&pool).await;
        pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn central_is_refused_inside_a_tenants_scope() {
    each(async |stage: Stage| {
        let pool = stage.central().await;
        stage
            .tenancy
            .central(
                "the outer one",
                async |outer: &CentralScope| -> Result<(), Error> {
                    stage
                        .tenancy
                        .run(ACME, async |_: &TenantScope| -> Result<(), Error> {
                            let refused = pool.acquire(outer).await.unwrap_err();
                            assert!(matches!(
                                refused,
                                Error::Scope(tenancy_core::Error::ScopeMismatch)
                            ));
                            assert!(pool.begin(outer).await.is_err());
                            Ok(())
                        })
                        .await
                },
            )
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn central_connections_are_cleaned_and_replaced_too() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.central_url()).unwrap();
        let pool = CentralPool::builder(&url)
            .max_connections(1)
            .acquire_timeout(Duration::MAX)
            .scrub_timeout(Duration::MAX)
            .connect()
            .await
            .unwrap();
        stage
            .tenancy
            .central(
                "a test",
                async |scope: &CentralScope| -> Result<(), Error> {
                    let mut db = pool.acquire(scope).await?;
                    let first = backend(&mut db).await;
                    sqlx::raw_sql(
                        "SET statement_timeout = 77; CREATE TEMP TABLE notes (tenant_id text)",
                    )
                    .execute(&mut *db)
                    .await?;
                    assert_eq!(tenants(&mut db).await, 0);
                    drop(db);
                    let mut db = pool.acquire(scope).await?;
                    assert_eq!(backend(&mut db).await, first);
                    assert_eq!(tenants(&mut db).await, 2);
                    let timeout: String = sqlx::query_scalar("SHOW statement_timeout")
                        .fetch_one(&mut *db)
                        .await?;
                    assert_eq!(timeout, "0");
                    drop(db);
                    for _ in 0..2 {
                        back(&pool).await;
                        proxy.cut_all();
                        assert_eq!(tenants(&mut *pool.acquire(scope).await?).await, 2);
                        back(&pool).await;
                        proxy.cut_all();
                        pool.begin(scope).await?.commit().await?;
                    }
                    Ok(())
                },
            )
            .await
            .unwrap();
        back(&pool).await;
    })
    .await;
}
