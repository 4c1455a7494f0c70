//! Work across tenants: by name, with a login of its own.

use tenancy_core::CentralScope;
use tenancy_tokio_postgres::{CentralPool, Error, PoolError};

use super::stage::{ACME, Stage, each};

#[tokio::test]
async fn central_sees_every_tenant_and_offers_the_same_verbs() {
    each(async |stage: Stage| {
        let pool = stage.central().await;
        stage
            .tenancy
            .central(
                "a test",
                async |scope: &CentralScope| -> Result<(), Error> {
                    let client = pool.acquire(scope).await?;
                    let sql = "SELECT count(DISTINCT tenant_id) FROM notes";
                    assert_eq!(client.query_one(sql, &[]).await?.get::<_, i64>(0), 2);
                    let tx = pool.begin(scope).await?;
                    tx.execute("UPDATE notes SET title = 'seen'", &[]).await?;
                    tx.rollback().await?;
                    let changed = pool
                        .transaction(scope, async |tx| -> Result<u64, Error> {
                            let sql = "UPDATE notes SET title = 'central' WHERE id = 1";
                            Ok(tx.execute(sql, &[]).await?)
                        })
                        .await?;
                    assert_eq!(changed, 2);
                    let over = pool
                        .transaction(scope, async |tx| -> Result<(), Error> {
                            Ok(tx.batch_execute("COMMIT; BEGIN").await?)
                        })
                        .await;
                    assert!(matches!(over, Err(Error::Pool(PoolError::TransactionOver))));
                    Ok(())
                },
            )
            .await
            .unwrap();
        assert_eq!(stage.titles(ACME).await, ["central", "acme 2", "acme 3"]);
        assert!(pool.verify().await.unwrap().is_empty());
        pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_login_under_the_wall_or_above_everything_is_not_central() {
    each(async |stage: Stage| {
        for url in [stage.database.runtime_url(), stage.database.admin_url()] {
            let refused = CentralPool::connect(&url).await.unwrap_err();
            assert!(
                matches!(refused, Error::Pool(PoolError::Unsafe(_))),
                "{refused:?}"
            );
        }
    })
    .await;
}
