//! Round trips, counted on the wire.

use sea_orm::{ConnectionTrait, EntityTrait as _, TransactionTrait};
use tenancy_sea_orm::TenantPool;
use tenancy_testkit::proxy::Proxy;

use super::entities::Note;
use super::stage::{ACME, GLOBEX, Stage, all_back, each};

async fn title<C: ConnectionTrait>(db: &C) -> String {
    Note::find_by_id(1_i64)
        .one(db)
        .await
        .unwrap()
        .unwrap()
        .title
}

/// A pool of one connection behind a proxy, on which the query is prepared.
async fn ready(stage: &Stage, reserve: u32) -> (Proxy, TenantPool) {
    let proxy = Proxy::in_front_of(stage.server).unwrap();
    let url = proxy.url(&stage.database.runtime_url()).unwrap();
    let builder = stage.builder(&url).max_connections(1).reserve(reserve);
    let pool = TenantPool::connect_with(builder).await.unwrap();
    let acme = stage.scope(ACME).await;
    title(&pool.acquire(&acme.scope).await.unwrap()).await;
    acme.end().await;
    (proxy, pool)
}

#[tokio::test]
async fn a_cold_read_is_two_trips() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 1).await;
        for tenant in [ACME, GLOBEX, ACME] {
            let ticket = stage.scope(tenant).await;
            all_back(&pool).await;
            assert_eq!(pool.status().shelved, 0);
            proxy.reset();
            let db = pool.acquire(&ticket.scope).await.unwrap();
            assert_eq!(title(&db).await, format!("{tenant} 1"));
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (2, "QBECS"));
            drop(db);
            ticket.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_warm_read_is_one_trip() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 0).await;
        let acme = stage.scope(ACME).await;
        title(&pool.acquire(&acme.scope).await.unwrap()).await;
        for _ in 0..3 {
            all_back(&pool).await;
            assert_eq!(pool.status().shelved, 1);
            proxy.reset();
            let db = pool.acquire(&acme.scope).await.unwrap();
            assert_eq!(title(&db).await, "acme 1");
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "BECS"));
            assert_eq!(title(&db).await, "acme 1");
            assert_eq!(proxy.trips(), 2);
        }
        // The other tenant finds nothing on its shelf, and is served all the same.
        let globex = stage.scope(GLOBEX).await;
        let db = pool.acquire(&globex.scope).await.unwrap();
        assert_eq!(title(&db).await, "globex 1");
    })
    .await;
}

#[tokio::test]
async fn a_transaction_of_n_statements_is_n_and_two_trips() {
    each(async |stage: Stage| {
        // Where no clean one is kept ahead of need, leaving the shelf's scope is one more.
        for (reserve, more) in [(1, 2), (0, 3)] {
            let (proxy, pool) = ready(&stage, reserve).await;
            let acme = stage.scope(ACME).await;
            for n in [1_usize, 3] {
                all_back(&pool).await;
                proxy.reset();
                let tx = pool.begin(&acme.scope).await.unwrap();
                for _ in 0..n {
                    assert_eq!(title(&tx).await, "acme 1");
                }
                tx.commit().await.unwrap();
                assert_eq!(proxy.trips(), n + more, "{}", proxy.sent());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn one_begun_on_a_connection_or_inside_another_is_two_trips_more() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 1).await;
        let acme = stage.scope(ACME).await;
        let db = pool.acquire(&acme.scope).await.unwrap();
        proxy.reset();
        let outer = TransactionTrait::begin(&db).await.unwrap();
        let inner = TransactionTrait::begin(&outer).await.unwrap();
        title(&inner).await;
        inner.commit().await.unwrap();
        outer.commit().await.unwrap();
        assert_eq!((proxy.trips(), proxy.sent().as_str()), (5, "QQBECSQQ"));
        // One that was dropped costs what takes it back, when the next statement comes.
        proxy.reset();
        let outer = TransactionTrait::begin(&db).await.unwrap();
        drop(TransactionTrait::begin(&outer).await.unwrap());
        assert_eq!(proxy.trips(), 2);
        title(&outer).await;
        assert_eq!((proxy.trips(), proxy.sent().as_str()), (4, "QQQBECS"));
    })
    .await;
}
