//! Round trips, counted on the wire.

use sqlx::PgConnection;
use tenancy_sqlx::postgres::TenantPool;
use tenancy_testkit::proxy::Proxy;

use super::stage::{ACME, GLOBEX, Stage, all_back, each, rested};

async fn title(connection: &mut PgConnection) -> String {
    sqlx::query_scalar("SELECT title FROM notes WHERE id = $1")
        .bind(1_i64)
        .fetch_one(connection)
        .await
        .unwrap()
}

/// A pool of one connection behind a proxy, on which the query is prepared.
async fn ready(stage: &Stage, reserve: u32) -> (Proxy, TenantPool) {
    let proxy = Proxy::in_front_of(stage.server).unwrap();
    let url = proxy.url(&stage.database.runtime_url()).unwrap();
    let builder = stage.builder(&url).max_connections(1).reserve(reserve);
    let pool = builder.connect().await.unwrap();
    let acme = stage.scope(ACME).await;
    title(&mut pool.acquire(&acme.scope).await.unwrap()).await;
    acme.end().await;
    (proxy, pool)
}

#[tokio::test]
async fn a_cold_scope_costs_one_trip_and_the_release_none() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 1).await;
        for tenant in [ACME, GLOBEX, ACME] {
            let ticket = stage.scope(tenant).await;
            all_back(&pool).await;
            assert_eq!(pool.status().shelved, 0);
            proxy.reset();
            let mut db = pool.acquire(&ticket.scope).await.unwrap();
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "Q"));
            assert_eq!(title(&mut db).await, format!("{tenant} 1"));
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (2, "QBECS"));
            drop(db);
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
        title(&mut pool.acquire(&acme.scope).await.unwrap()).await;
        for _ in 0..3 {
            all_back(&pool).await;
            assert_eq!(pool.status().shelved, 1);
            proxy.reset();
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            assert_eq!(proxy.trips(), 0);
            assert_eq!(title(&mut db).await, "acme 1");
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "BECS"));
        }
        // One that was not heard of for a while is asked first.
        all_back(&pool).await;
        rested().await;
        proxy.reset();
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "S"));
        assert_eq!(title(&mut db).await, "acme 1");
        drop(db);
        // The other tenant finds nothing on its shelf, and is served all the same.
        let globex = stage.scope(GLOBEX).await;
        let mut db = pool.acquire(&globex.scope).await.unwrap();
        assert_eq!(title(&mut db).await, "globex 1");
    })
    .await;
}

#[tokio::test]
async fn a_transaction_of_n_statements_is_n_and_two_trips() {
    each(async |stage: Stage| {
        // Where no clean one is kept ahead of need, leaving the shelf's scope is one more.
        for (reserve, more, messages) in [(1, 2, "Q"), (0, 3, "QQ")] {
            let (proxy, pool) = ready(&stage, reserve).await;
            let acme = stage.scope(ACME).await;
            for n in [1_usize, 3] {
                all_back(&pool).await;
                proxy.reset();
                let mut tx = pool.begin(&acme.scope).await.unwrap();
                for _ in 0..n {
                    assert_eq!(title(&mut tx).await, "acme 1");
                }
                tx.commit().await.unwrap();
                let sent = format!("{messages}{}Q", "BECS".repeat(n));
                assert_eq!((proxy.trips(), proxy.sent()), (n + more, sent));
            }
        }
    })
    .await;
}
