//! Futures that are dropped at any await.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use tenancy_sea_orm::TenantPool;
use tenancy_testkit::proxy::Proxy;
use tokio::time::timeout;

use super::entities::Note;
use super::stage::{ACME, GLOBEX, Stage, all_back, each, until};

#[tokio::test]
async fn a_dropped_query_ends_on_the_server() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let slow = async {
            let db = pool.acquire(&acme.scope).await?;
            db.execute_unprepared("SELECT pg_sleep(60)").await?;
            Ok::<_, DbErr>(())
        };
        assert!(timeout(Duration::from_millis(300), slow).await.is_err());
        until("the query to end", async || {
            let sql = "SELECT FROM pg_stat_activity WHERE usename = $1 AND state = 'active'";
            let role = stage.database.runtime_role();
            stage.admin.query(sql, &[&role]).await.unwrap().is_empty()
        })
        .await;
        // The only place is free again, for the other tenant.
        let globex = stage.scope(GLOBEX).await;
        let db = pool.acquire(&globex.scope).await.unwrap();
        let note = Note::find_by_id(1_i64).one(&db).await.unwrap();
        assert_eq!(note.unwrap().title, "globex 1");
    })
    .await;
}

/// A statement that is dropped leaves its answer to be read by the next one, on the same handle.
#[tokio::test]
async fn the_next_statement_gets_its_own_answer() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let builder = stage.builder(&url).max_connections(1);
        let pool = TenantPool::connect_with(builder).await.unwrap();
        let acme = stage.scope(ACME).await;
        let db = pool.acquire(&acme.scope).await.unwrap();
        proxy.delay(Duration::from_millis(1));
        for round in 0..100_u64 {
            let cut = Note::find_by_id(1_i64).one(&db);
            let _cut = timeout(Duration::from_micros(50 * round), cut).await;
            let note = Note::find_by_id(2_i64).one(&db).await.unwrap();
            assert_eq!(note.unwrap().title, "acme 2", "round {round}");
        }
        proxy.delay(Duration::ZERO);
    })
    .await;
}

#[tokio::test]
async fn futures_dropped_anywhere_leave_the_next_scope_its_own() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let scopes = [stage.scope(ACME).await, stage.scope(GLOBEX).await];
        for round in 0..400_usize {
            let (cut, looked) = (&scopes[round % 2].scope, &scopes[(round + 1) % 2].scope);
            let work = async {
                let tx = pool.begin(cut).await?;
                Note::find().all(&tx).await?;
                tx.execute_unprepared("UPDATE notes SET title = 'x' WHERE false")
                    .await?;
                tx.commit().await?;
                Ok::<_, DbErr>(())
            };
            let _cut = timeout(Duration::from_micros(20 * (round as u64 % 60)), work).await;
            let db = pool.acquire(looked).await.unwrap();
            let found = Note::find().all(&db).await.unwrap();
            let tenant = [ACME, GLOBEX][(round + 1) % 2];
            assert_eq!(found.len(), 3);
            assert!(
                found.iter().all(|note| note.title.starts_with(tenant)),
                "{found:?}"
            );
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
        let builder = stage.builder(&url).max_connections(2);
        let pool = TenantPool::connect_with(builder).await.unwrap();
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            let db = pool.acquire(&acme.scope).await.unwrap();
            Note::find().all(&db).await.unwrap();
            proxy.cut_all();
            assert!(Note::find().all(&db).await.is_err());
            drop(db);
            all_back(&pool).await;
            let db = pool.acquire(&acme.scope).await.unwrap();
            let note = Note::find_by_id(1_i64).one(&db).await.unwrap();
            assert_eq!(note.unwrap().title, "acme 1");
        }
    })
    .await;
}
