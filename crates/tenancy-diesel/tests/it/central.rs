//! Work across tenants: by name, with a login of its own.

use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};
use tenancy_core::CentralScope;
use tenancy_diesel::{CentralPool, Error, PoolError};

use super::stage::{ACME, Stage, each};
use super::tables::notes;

#[tokio::test]
async fn central_sees_every_tenant_and_offers_the_same_verbs() {
    each(async |stage: Stage| {
        let pool = stage.central().await;
        stage
            .tenancy
            .central(
                "a test",
                async |scope: &CentralScope| -> Result<(), Error> {
                    let mut db = pool.acquire(scope).await?;
                    let all: i64 = notes::table.count().get_result(&mut *db).await?;
                    assert_eq!(all, 6);
                    let mut tx = pool.begin(scope).await?;
                    let seen = notes::title.eq("seen");
                    diesel::update(notes::table)
                        .set(seen)
                        .execute(&mut *tx)
                        .await?;
                    tx.rollback().await?;
                    let changed = pool
                        .transaction(scope, async |tx| -> Result<usize, Error> {
                            let first = notes::table.filter(notes::id.eq(1));
                            let title = notes::title.eq("central");
                            Ok(diesel::update(first).set(title).execute(tx).await?)
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
