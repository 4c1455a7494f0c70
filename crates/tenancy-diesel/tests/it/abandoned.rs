//! Futures that are dropped at any await.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection as _, RunQueryDsl};
use tenancy_testkit::proxy::Proxy;
use tokio::time::timeout;

use super::stage::{ACME, GLOBEX, Stage, all_back, each, until};
use super::tables::notes;
use crate::first_title;

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
    #[diesel(sql_type = Text)]
    first: String,
    #[diesel(sql_type = Text)]
    last: String,
}

#[tokio::test]
async fn a_dropped_query_is_cancelled_on_the_server() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let slow = pool.execute_in(&acme.scope, diesel::sql_query("SELECT pg_sleep(60)"));
        assert!(timeout(Duration::from_millis(300), slow).await.is_err());
        until("the query to be cancelled", async || {
            let sql = "SELECT FROM pg_stat_activity WHERE usename = $1 AND state = 'active'";
            let role = stage.database.runtime_role();
            stage.admin.query(sql, &[&role]).await.unwrap().is_empty()
        })
        .await;
        // The only place is free again, for the other tenant.
        let globex = stage.scope(GLOBEX).await;
        let title: String = pool
            .get_result_in(&globex.scope, first_title!())
            .await
            .unwrap();
        assert_eq!(title, "globex 1");
    })
    .await;
}

#[tokio::test]
async fn futures_dropped_anywhere_leave_the_next_scope_its_own() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let scopes = [stage.scope(ACME).await, stage.scope(GLOBEX).await];
        let look = "SELECT min(title) AS title, count(*), min(tenant_id) AS first, max(tenant_id) AS last FROM notes";
        for round in 0..400_usize {
            let (cut, looked) = (&scopes[round % 2].scope, &scopes[(round + 1) % 2].scope);
            let work = async {
                let mut tx = pool.begin(cut).await?;
                let _: Vec<String> = notes::table.select(notes::title).load(&mut *tx).await?;
                diesel::update(notes::table.filter(notes::id.eq(-1)))
                    .set(notes::title.eq("x"))
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await
            };
            let _cut = timeout(Duration::from_micros(20 * (round as u64 % 60)), work).await;
            let seen: Seen = pool.get_result_in(looked, diesel::sql_query(look)).await.unwrap();
            let tenant = [ACME, GLOBEX][(round + 1) % 2];
            assert_eq!(seen.title, format!("{tenant} 1"));
            assert_eq!(seen.count, 3);
            assert_eq!([seen.first, seen.last], [tenant, tenant]);
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
        for _ in 0..3 {
            let _: String = pool
                .get_result_in(&acme.scope, first_title!())
                .await
                .unwrap();
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            let _: String = first_title!().first(&mut *db).await.unwrap();
            proxy.cut_all();
            assert!(first_title!().first::<String>(&mut *db).await.is_err());
            drop(db);
            all_back(&pool).await;
            let title: String = pool
                .get_result_in(&acme.scope, first_title!())
                .await
                .unwrap();
            assert_eq!(title, "acme 1");
        }
    })
    .await;
}

/// Diesel's own transaction, whose future is dropped in the midst of it.
#[tokio::test]
async fn a_dropped_transaction_of_diesels_is_rolled_back_and_forgotten() {
    use diesel_async::AsyncConnection as _;

    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let before = {
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            let before = stage.backends().await;
            let work = db.transaction(async |db| {
                diesel::update(notes::table)
                    .set(notes::title.eq("lost"))
                    .execute(db)
                    .await?;
                std::future::pending::<QueryResult<()>>().await
            });
            assert!(timeout(Duration::from_millis(300), work).await.is_err());
            before
        };
        all_back(&pool).await;
        assert_eq!(stage.titles(ACME).await[0], "acme 1");
        // The same connection, on which Diesel begins a transaction rather than a savepoint.
        assert_eq!(stage.backends().await, before);
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        db.transaction(async |db| {
            diesel::update(notes::table)
                .set(notes::title.eq("kept"))
                .execute(db)
                .await
        })
        .await
        .unwrap();
        assert_eq!(stage.titles(ACME).await, ["kept"; 3]);
    })
    .await;
}

/// Diesel takes back nothing of its own transaction whose future was dropped.
#[tokio::test]
async fn a_nested_transaction_that_was_dropped_keeps_the_whole_from_being_saved() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        let nested = tx.transaction(async |conn| {
            diesel::update(notes::table)
                .set(notes::title.eq("half"))
                .execute(conn)
                .await?;
            std::future::pending::<diesel::QueryResult<()>>().await
        });
        assert!(timeout(Duration::from_millis(300), nested).await.is_err());
        let ended = tx.commit().await;
        assert!(
            matches!(ended, Err(tenancy_diesel::Error::NestedOpen)),
            "{ended:?}"
        );
        all_back(&pool).await;
        let title: String = pool
            .get_result_in(&acme.scope, first_title!())
            .await
            .unwrap();
        assert_eq!(title, "acme 1");
        // The connection's next transaction is its own.
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        diesel::update(notes::table)
            .set(notes::title.eq("whole"))
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let title: String = pool
            .get_result_in(&acme.scope, first_title!())
            .await
            .unwrap();
        assert_eq!(title, "whole");
    })
    .await;
}
