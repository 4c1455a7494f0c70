//! Round trips, counted on the wire.

use tenancy_testkit::proxy::Proxy;

use super::stage::{ACME, Stage, all_back, each};

const QUERY: &str = "SELECT title FROM notes WHERE id = $1";

#[tokio::test]
async fn a_scope_costs_one_trip_and_the_release_none() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let pool = stage
            .builder(&url)
            .max_connections(1)
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        let select = async |db: &mut sqlx::PgConnection| -> String {
            sqlx::query_scalar(QUERY)
                .bind(1_i64)
                .fetch_one(db)
                .await
                .unwrap()
        };
        // The driver prepares once.
        select(&mut *pool.acquire(&acme.scope).await.unwrap()).await;
        for _ in 0..3 {
            all_back(&pool).await;
            proxy.reset();
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "Q"));
            assert_eq!(select(&mut db).await, "acme 1");
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (2, "QBECS"));
            drop(db);

            all_back(&pool).await;
            proxy.reset();
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "Q"));
            select(&mut tx).await;
            tx.commit().await.unwrap();
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (3, "QBECSQ"));
        }
        acme.end().await;
    })
    .await;
}
