//! What one scope told the server or Diesel, and the next one must not meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{CacheSize, InstrumentationEvent};
use diesel::prelude::*;
use diesel_async::{AsyncConnection as _, RunQueryDsl, SimpleAsyncConnection as _};

use super::stage::{ACME, GLOBEX, Stage, all_back, each};
use super::tables::notes;
use crate::first_title;

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// The name under which the server knows a statement of Diesel's.
async fn name_of(conn: &mut diesel_async::AsyncPgConnection, like: &str) -> String {
    let sql = "SELECT name FROM pg_prepared_statements WHERE statement LIKE $1";
    let found = diesel::sql_query(sql).bind::<diesel::sql_types::Text, _>(like);
    found.get_result::<Statement>(conn).await.unwrap().name
}

#[tokio::test]
async fn statements_that_sql_took_from_diesel_end_the_connection() {
    // The query that reads for the next scope, what cleans for the same tenant and for another, and
    // all of them.
    const TITLE: (&str, &str) = (
        "SELECT \"notes\"%",
        "PREPARE {name}(int8) AS SELECT 'stolen'::text",
    );
    const SCRUB: (&str, &str) = (
        "%tenancy.scrub(%",
        "PREPARE {name}(text) AS SELECT concat_ws(' ', tenancy.leave(), $1, '0', '9', 't', pg_backend_pid())",
    );
    const STAY: (&str, &str) = (
        "%tenancy.stay(%",
        "PREPARE {name}(text) AS SELECT concat_ws(' ', tenancy.current_tenant(), $1, '0', '9', 't', pg_backend_pid())",
    );
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for stolen in [&[TITLE][..], &[SCRUB], &[STAY], &[TITLE, SCRUB, STAY]] {
            // By the second use both were prepared.
            drop(pool.acquire(&acme.scope).await.unwrap());
            all_back(&pool).await;
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            let _: String = first_title!().first(&mut *db).await.unwrap();
            let before = stage.backends().await;
            for (statement, thief) in stolen {
                let name = name_of(&mut db, statement).await;
                let thief = thief.replace("{name}", &name);
                db.batch_execute(&format!("DEALLOCATE {name}; {thief}"))
                    .await
                    .unwrap();
            }
            drop(db);
            for _ in 0..2 {
                let title: String = pool
                    .get_result_in(&globex.scope, first_title!())
                    .await
                    .unwrap();
                assert_eq!(title, "globex 1");
            }
            assert_ne!(stage.backends().await, before);
        }
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_sql_deallocated_ends_the_connection() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        let _: String = first_title!().first(&mut *db).await.unwrap();
        let name = name_of(&mut db, "SELECT \"notes\"%").await;
        db.batch_execute(&format!("DEALLOCATE {name}"))
            .await
            .unwrap();
        // As many as before.
        let _: i64 = notes::table.count().get_result(&mut *db).await.unwrap();
        drop(db);
        let title: String = pool
            .get_result_in(&globex.scope, first_title!())
            .await
            .unwrap();
        assert_eq!(title, "globex 1");
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_can_not_be_prepared_costs_no_connection() {
    diesel::table! {
        missing (id) {
            id -> BigInt,
        }
    }
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let _: String = pool
            .get_result_in(&acme.scope, first_title!())
            .await
            .unwrap();
        let before = stage.backends().await;
        let missing: Result<Vec<i64>, _> = pool
            .load_in(&acme.scope, missing::table.select(missing::id))
            .await;
        assert!(missing.is_err());
        let _: String = pool
            .get_result_in(&acme.scope, first_title!())
            .await
            .unwrap();
        assert_eq!(stage.backends().await, before);
    })
    .await;
}

#[tokio::test]
async fn diesel_forgets_its_last_user() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let heard = Arc::new(AtomicUsize::new(0));
        let listener = Arc::clone(&heard);
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        db.set_instrumentation(move |_: InstrumentationEvent<'_>| {
            listener.fetch_add(1, Ordering::Relaxed);
        });
        db.set_prepared_statement_cache_size(CacheSize::Disabled);
        let _: String = first_title!().first(&mut *db).await.unwrap();
        drop(db);
        all_back(&pool).await;
        let before = (*heard).fetch_add(0, Ordering::Relaxed);
        assert_ne!(before, 0);
        for _ in 0..2 {
            let title: String = pool
                .get_result_in(&globex.scope, first_title!())
                .await
                .unwrap();
            assert_eq!(title, "globex 1");
        }
        assert_eq!((*heard).fetch_add(0, Ordering::Relaxed), before);
        // A transaction of ours that Diesel was told of is none of the next one's.
        drop(pool.begin(&acme.scope).await.unwrap());
        let mut db = pool.acquire(&globex.scope).await.unwrap();
        db.transaction(async |db| first_title!().first::<String>(db).await)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_applications_log_of_queries_holds_its_own_alone() {
    static HEARD: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

    // The other tests run beside this one.
    fn is_here() -> bool {
        let here = std::thread::current();
        here.name()
            .is_some_and(|name| name.ends_with("holds_its_own_alone"))
    }

    diesel::connection::set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            if is_here() {
                HEARD.lock().unwrap().push(format!("{event:?}"));
            }
        }))
    })
    .unwrap();
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..2 {
            let _: String = pool
                .get_result_in(&acme.scope, first_title!())
                .await
                .unwrap();
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            let _: String = first_title!().first(&mut *tx).await.unwrap();
            tx.rollback().await.unwrap();
        }
        let heard = HEARD.lock().unwrap().clone();
        let ours = [
            "tenancy.enter",
            "tenancy.leave",
            "tenancy.scrub",
            "tenancy.stay",
            "pg_backend_pid",
            "tenancy_check",
        ];
        assert!(heard.iter().any(|event| event.contains("notes")));
        let found = heard
            .iter()
            .find(|event| ours.iter().any(|our| event.contains(our)));
        assert_eq!(found, None);
    })
    .await;
}
