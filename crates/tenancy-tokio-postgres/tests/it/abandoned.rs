//! Futures that are dropped at any await.

use std::time::Duration;

use tenancy_testkit::proxy::Proxy;
use tokio::time::timeout;

use super::stage::{ACME, GLOBEX, Stage, all_back, each, until};

#[tokio::test]
async fn a_dropped_query_is_cancelled_on_the_server() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let slow = pool.query(&acme.scope, "SELECT pg_sleep(60)", &[]);
        assert!(timeout(Duration::from_millis(300), slow).await.is_err());
        until("the query to be cancelled", async || {
            let sql = "SELECT FROM pg_stat_activity WHERE usename = $1 AND state = 'active'";
            let role = stage.database.runtime_role();
            stage.admin.query(sql, &[&role]).await.unwrap().is_empty()
        })
        .await;
        // The only place is free again, for the other tenant.
        let globex = stage.scope(GLOBEX).await;
        let title = "SELECT min(title) FROM notes";
        let row = pool.query_one(&globex.scope, title, &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), "globex 1");
    })
    .await;
}

#[tokio::test]
async fn futures_dropped_anywhere_leave_the_next_scope_its_own() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let scopes = [stage.scope(ACME).await, stage.scope(GLOBEX).await];
        let title = "SELECT min(title), count(*), min(tenant_id), max(tenant_id) FROM notes";
        for round in 0..400_usize {
            let (cut, looked) = (&scopes[round % 2].scope, &scopes[(round + 1) % 2].scope);
            let work = async {
                let tx = pool.begin(cut).await?;
                tx.query(title, &[]).await?;
                tx.execute("UPDATE notes SET title = 'x' WHERE false", &[])
                    .await?;
                tx.commit().await
            };
            let _cut = timeout(Duration::from_micros(20 * (round as u64 % 60)), work).await;
            let row = pool.query_one(looked, title, &[]).await.unwrap();
            let tenant = [ACME, GLOBEX][(round + 1) % 2];
            assert_eq!(row.get::<_, String>(0), format!("{tenant} 1"));
            assert_eq!(row.get::<_, i64>(1), 3);
            assert_eq!([row.get::<_, String>(2), row.get(3)], [tenant, tenant]);
        }
        all_back(&pool).await;
    })
    .await;
}

#[tokio::test]
async fn lost_connections_are_replaced() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let pool = stage
            .builder(&url)
            .max_connections(2)
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        let title = "SELECT min(title) FROM notes";
        for _ in 0..3 {
            pool.query_one(&acme.scope, title, &[]).await.unwrap();
            let client = pool.acquire(&acme.scope).await.unwrap();
            client.query_one(title, &[]).await.unwrap();
            proxy.cut_all();
            assert!(client.query_one(title, &[]).await.is_err());
            drop(client);
            all_back(&pool).await;
            let row = pool.query_one(&acme.scope, title, &[]).await.unwrap();
            assert_eq!(row.get::<_, String>(0), "acme 1");
        }
    })
    .await;
}
