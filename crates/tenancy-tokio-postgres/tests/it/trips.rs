//! Round trips, counted on the wire.

use std::time::Duration;

use tenancy_testkit::proxy::Proxy;
use tenancy_tokio_postgres::TenantPool;

use super::stage::{ACME, GLOBEX, Stage, all_back, each, until};

const QUERY: &str = "SELECT title FROM notes WHERE id = $1";

/// A pool of one connection behind a proxy, on which the query is prepared.
async fn ready(stage: &Stage, reserve: u32) -> (Proxy, TenantPool) {
    let proxy = Proxy::in_front_of(stage.server).unwrap();
    let url = proxy.url(&stage.database.runtime_url()).unwrap();
    let builder = stage.builder(&url).max_connections(1).reserve(reserve);
    let pool = builder.connect().await.unwrap();
    let acme = stage.scope(ACME).await;
    pool.query_one(&acme.scope, QUERY, &[&1_i64]).await.unwrap();
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
            let row = pool
                .query_one(&ticket.scope, QUERY, &[&1_i64])
                .await
                .unwrap();
            assert_eq!(row.get::<_, String>(0), format!("{tenant} 1"));
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
            let row = pool.query_one(&acme.scope, QUERY, &[&2_i64]).await.unwrap();
            assert_eq!(row.get::<_, String>(0), "acme 2");
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (1, "BES"));
            // Afterwards one message takes away what was left behind, and leaves the scope open.
            all_back(&pool).await;
            assert_eq!(proxy.sent(), "BESQ");
        }
        // The other tenant finds nothing on its shelf, and is served all the same.
        let globex = stage.scope(GLOBEX).await;
        let row = pool
            .query_one(&globex.scope, QUERY, &[&2_i64])
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), "globex 2");
    })
    .await;
}

#[tokio::test]
async fn a_scope_that_is_always_in_use_is_proven_anew_all_the_same() {
    each(async |stage: Stage| {
        let builder = stage.builder(&stage.database.runtime_url()).reserve(0);
        let builder = builder.max_connections(1);
        let pool = builder
            .shelf_timeout(Duration::from_millis(1_500))
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        let read = async || {
            let read = pool.query_one(&acme.scope, QUERY, &[&1_i64]).await;
            all_back(&pool).await;
            read
        };
        read().await.unwrap();
        let retire = "DELETE FROM tenancy.seal_key";
        stage.admin.batch_execute(retire).await.unwrap();
        read().await.unwrap();
        until("the key to be missed", async || read().await.is_err()).await;
        assert!(read().await.is_err());
    })
    .await;
}

/// What was used just before its time was over is not kept for as long again.
#[tokio::test]
async fn a_scope_that_waited_on_its_shelf_is_proven_anew_too() {
    each(async |stage: Stage| {
        let builder = stage.builder(&stage.database.runtime_url()).reserve(0);
        let builder = builder.max_connections(1);
        let pool = builder
            .shelf_timeout(Duration::from_secs(2))
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        let read = async || pool.query_one(&acme.scope, QUERY, &[&1_i64]).await;
        read().await.unwrap();
        all_back(&pool).await;
        let retire = "DELETE FROM tenancy.seal_key";
        stage.admin.batch_execute(retire).await.unwrap();
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            let again = read().await;
            all_back(&pool).await;
            // On a slow machine this was the second already.
            if again.is_err() {
                return;
            }
        }
        panic!("a scope was used for longer than its time, with a key that is gone");
    })
    .await;
}

#[tokio::test]
async fn an_acknowledged_write_is_one_trip() {
    each(async |stage: Stage| {
        let (proxy, pool) = ready(&stage, 1).await;
        let acme = stage.scope(ACME).await;
        let write = "UPDATE notes SET title = $1 WHERE id = 1";
        pool.execute(&acme.scope, write, &[&"first"]).await.unwrap();
        all_back(&pool).await;
        proxy.reset();
        pool.execute(&acme.scope, write, &[&"second"])
            .await
            .unwrap();
        assert_eq!(proxy.trips(), 1, "{}", proxy.sent());
        assert_eq!(stage.titles(ACME).await[0], "second");
        assert_eq!(stage.titles(GLOBEX).await[0], "globex 1");
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
                let tx = pool.begin(&acme.scope).await.unwrap();
                let query = tx.prepare_cached(QUERY).await.unwrap();
                tx.rollback().await.unwrap();
                all_back(&pool).await;
                proxy.reset();
                let tx = pool.begin(&acme.scope).await.unwrap();
                for _ in 0..n {
                    tx.query_one(&query, &[&1_i64]).await.unwrap();
                }
                tx.commit().await.unwrap();
                assert_eq!(proxy.trips(), n + more, "{}", proxy.sent());
            }
        }
    })
    .await;
}
