//! Round trips, counted on the wire.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use tenancy_diesel::TenantPool;
use tenancy_testkit::proxy::Proxy;

use super::stage::{ACME, GLOBEX, Stage, all_back, each};
use super::tables::notes;

/// A query that Diesel caches.
macro_rules! title_of {
    ($id:expr) => {
        notes::table.select(notes::title).filter(notes::id.eq($id))
    };
}

/// A pool of one connection behind a proxy, on which the query is prepared.
async fn ready(stage: &Stage, reserve: u32) -> (Proxy, TenantPool) {
    let proxy = Proxy::in_front_of(stage.server).unwrap();
    let url = proxy.url(&stage.database.runtime_url()).unwrap();
    let builder = stage.builder(&url).max_connections(1).reserve(reserve);
    let pool = builder.connect().await.unwrap();
    let acme = stage.scope(ACME).await;
    let _: String = pool
        .get_result_in(&acme.scope, title_of!(1_i64))
        .await
        .unwrap();
    acme.end().await;
    (proxy, pool)
}

#[tokio::test]
async fn a_cold_scope_costs_its_statements_and_nothing_else() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 1).await;
        for tenant in [ACME, GLOBEX, ACME] {
            let ticket = stage.scope(tenant).await;
            all_back(&pool).await;
            assert_eq!(pool.status().shelved, 0);
            proxy.reset();
            let title: String = pool
                .get_result_in(&ticket.scope, title_of!(1_i64))
                .await
                .unwrap();
            assert_eq!(title, format!("{tenant} 1"));
            assert_eq!(proxy.trips(), 1, "{}", proxy.sent());
            ticket.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_warm_scope_costs_its_statements_and_nothing_else() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 0).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            all_back(&pool).await;
            assert_eq!(pool.status().shelved, 1);
            proxy.reset();
            let title: String = pool
                .get_result_in(&acme.scope, title_of!(2_i64))
                .await
                .unwrap();
            assert_eq!(title, "acme 2");
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "BES"));
        }
        // The other tenant finds nothing on its shelf, and is served all the same.
        let globex = stage.scope(GLOBEX).await;
        let title: String = pool
            .get_result_in(&globex.scope, title_of!(2_i64))
            .await
            .unwrap();
        assert_eq!(title, "globex 2");
    })
    .await;
}

#[tokio::test]
async fn an_acknowledged_write_is_one_trip() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 1).await;
        let acme = stage.scope(ACME).await;
        let write = |title| diesel::delete(notes::table.filter(notes::title.eq(title)));
        pool.execute_in(&acme.scope, write("nothing"))
            .await
            .unwrap();
        all_back(&pool).await;
        stage.admin.batch_execute("DELETE FROM tags").await.unwrap();
        proxy.reset();
        pool.execute_in(&acme.scope, write("acme 1")).await.unwrap();
        assert_eq!(proxy.trips(), 1, "{}", proxy.sent());
        assert_eq!(stage.titles(ACME).await, ["acme 2", "acme 3"]);
        assert_eq!(stage.titles(GLOBEX).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_of_n_statements_is_n_and_one_trips() {
    each(async |stage: Stage| {
        // Where no clean one is kept ahead of need, leaving the shelf's scope is one more.
        for (reserve, more) in [(1, 1), (0, 2)] {
            let (proxy, pool) = ready(&stage, reserve).await;
            let acme = stage.scope(ACME).await;
            for n in [1_usize, 3] {
                all_back(&pool).await;
                proxy.reset();
                let mut tx = pool.begin(&acme.scope).await.unwrap();
                for _ in 0..n {
                    let _: String = title_of!(1_i64).get_result(&mut *tx).await.unwrap();
                }
                tx.commit().await.unwrap();
                assert_eq!(proxy.trips(), n + more, "{}", proxy.sent());
            }
        }
    })
    .await;
}
