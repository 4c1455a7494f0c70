//! Work across tenants: by name, with a login of its own.

use sea_orm::{ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _};
use tenancy_core::CentralScope;
use tenancy_sea_orm::{CentralPool, Error, PoolError};

use super::entities::{Note, note};
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
                    let db = pool.acquire(scope).await?;
                    assert_eq!(Note::find().count(&db).await?, 6);
                    let tx = pool.begin(scope).await?;
                    tx.execute_unprepared("UPDATE notes SET title = 'seen'")
                        .await?;
                    tx.rollback().await?;
                    let changed = pool
                        .transaction(scope, async |tx| -> Result<u64, Error> {
                            let update =
                                Note::update_many().col_expr(note::Column::Title, "central".into());
                            Ok(update.exec(tx).await?.rows_affected)
                        })
                        .await?;
                    assert_eq!(changed, 6);
                    let over = pool
                        .transaction(scope, async |tx| -> Result<(), Error> {
                            tx.execute_unprepared("COMMIT; BEGIN").await?;
                            Ok(())
                        })
                        .await;
                    assert!(matches!(over, Err(Error::Pool(PoolError::TransactionOver))));
                    Ok(())
                },
            )
            .await
            .unwrap();
        assert_eq!(stage.titles(ACME).await, ["central"; 3]);
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
