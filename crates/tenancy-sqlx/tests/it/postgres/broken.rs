//! Whatever breaks, nothing is saved that was not committed, and the capacity comes back.

use std::time::Duration;

use futures_util::FutureExt as _;
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{PoolError, TenantPool};
use tenancy_testkit::proxy::Proxy;

use super::half_read::backend;
use super::stage::{ACME, GLOBEX, Stage, all_back, each, rested, until};

const SHORT: Duration = Duration::from_millis(300);

async fn titles(pool: &TenantPool, scope: &tenancy_core::TenantScope) -> Vec<String> {
    let mut db = pool.acquire(scope).await.unwrap();
    sqlx::query_scalar("SELECT title FROM notes ORDER BY id")
        .fetch_all(&mut *db)
        .await
        .unwrap()
}

const INSERT: &str = "INSERT INTO notes (id, title) VALUES (50, 'half done')";

#[tokio::test]
async fn a_panic_rolls_back() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            let work = pool.transaction(&acme.scope, async |tx| -> Result<(), Error> {
                sqlx::query(INSERT).execute(tx).await?;
                panic!("on purpose");
            });
            assert!(
                std::panic::AssertUnwindSafe(work)
                    .catch_unwind()
                    .await
                    .is_err()
            );
        }
        assert_eq!(titles(&pool, &acme.scope).await.len(), 3);
        all_back(&pool).await;
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_dropped_future_rolls_back_and_its_query_is_gone_from_the_server() {
    each(async |stage: Stage| {
        let pool = stage
            .builder(&stage.database.runtime_url())
            .max_connections(1)
            .scrub_timeout(Duration::from_millis(100))
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        let work = pool.transaction(&acme.scope, async |tx| -> Result<(), Error> {
            sqlx::query(INSERT).execute(&mut *tx).await?;
            sqlx::query("SELECT pg_sleep(600)").execute(tx).await?;
            Ok(())
        });
        assert!(tokio::time::timeout(SHORT, work).await.is_err());
        let other = stage.scope(GLOBEX).await;
        assert_eq!(
            titles(&pool, &other.scope).await,
            ["globex 1", "globex 2", "globex 3"]
        );
        until("the query to end", async || {
            stage.backends().await.len() == 1
        })
        .await;
        assert_eq!(stage.titles(ACME).await.len(), 3);
        all_back(&pool).await;
        acme.end().await;
        other.end().await;
    })
    .await;
}

#[tokio::test]
async fn killed_at_rest_is_not_noticed() {
    each(async |stage: Stage| {
        let pool = stage.pool(3).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            let held = (
                pool.acquire(&acme.scope).await.unwrap(),
                pool.acquire(&acme.scope).await.unwrap(),
                pool.begin(&acme.scope).await.unwrap(),
            );
            drop(held);
            all_back(&pool).await;
            stage.kill_all().await;
            rested().await;
            assert_eq!(titles(&pool, &acme.scope).await.len(), 3);
            all_back(&pool).await;
            stage.kill_all().await;
            pool.begin(&acme.scope)
                .await
                .unwrap()
                .commit()
                .await
                .unwrap();
        }
        all_back(&pool).await;
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn killed_just_now_on_the_shelf_is_an_error_and_no_more() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            titles(&pool, &acme.scope).await;
            all_back(&pool).await;
            assert_eq!(pool.status().shelved, 1);
            stage.kill_all().await;
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            assert!(sqlx::query(INSERT).execute(&mut *db).await.is_err());
            drop(db);
            assert_eq!(titles(&pool, &acme.scope).await.len(), 3);
        }
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn killed_in_use_is_an_error_and_no_more() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            sqlx::query(INSERT).execute(&mut **tx).await.unwrap();
            let before = backend(&mut db).await;
            stage.kill_all().await;
            assert!(sqlx::query("SELECT 1").execute(&mut *db).await.is_err());
            assert!(matches!(
                tx.commit().await,
                Err(Error::Pool(PoolError::CommitUnknown(Some(_))))
            ));
            drop(db);
            let mut db = pool.acquire(&acme.scope).await.unwrap();
            assert_ne!(backend(&mut db).await, before);
            drop(db);
            all_back(&pool).await;
        }
        assert_eq!(stage.titles(ACME).await.len(), 3);
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_falls_silent_or_is_cut_off() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let pool = stage
            .builder(&url)
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(2))
            .scrub_timeout(SHORT)
            // Whatever is handed out has had its scope opened then.
            .shelf_timeout(Duration::ZERO)
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;

        // Silent while a scope is opened, on a connection at rest and on a new one.
        for _ in 0..2 {
            all_back(&pool).await;
            proxy.stall(true);
            let late = pool.acquire(&acme.scope).await;
            assert!(
                matches!(late, Err(Error::Pool(PoolError::ServerTimedOut))),
                "{late:?}"
            );
            let late = pool.begin(&acme.scope).await;
            assert!(
                matches!(late, Err(Error::Pool(PoolError::ServerTimedOut))),
                "{late:?}"
            );
            proxy.stall(false);
            assert_eq!(titles(&pool, &acme.scope).await.len(), 3);
        }

        // Silent while it is cleaned: closed, and its place is free again before the server speaks.
        let db = pool.acquire(&acme.scope).await.unwrap();
        proxy.stall(true);
        drop(db);
        all_back(&pool).await;
        assert_eq!(pool.status().idle, 0);
        proxy.stall(false);
        assert_eq!(titles(&pool, &acme.scope).await.len(), 3);

        // Silent in the midst of a commit, and then gone: nobody can say.
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        sqlx::query("SELECT 1").execute(&mut **tx).await.unwrap();
        proxy.stall(true);
        let (ended, ()) = tokio::join!(tx.commit(), async {
            tokio::task::yield_now().await;
            proxy.cut_all();
        });
        assert!(
            matches!(ended, Err(Error::Pool(PoolError::CommitUnknown(Some(_))))),
            "{ended:?}"
        );
        proxy.stall(false);

        // Cut in use.
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        proxy.cut_all();
        assert!(sqlx::query("SELECT 1").execute(&mut *db).await.is_err());
        drop(db);
        assert_eq!(titles(&pool, &acme.scope).await.len(), 3);
        all_back(&pool).await;
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_full_pool_waits_and_then_says_so() {
    each(async |stage: Stage| {
        let pool = stage
            .builder(&stage.database.runtime_url())
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(1))
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        let one = pool.acquire(&acme.scope).await.unwrap();
        let two = pool.begin(&acme.scope).await.unwrap();
        assert_eq!(
            (pool.status().in_use, pool.status().idle, pool.status().size),
            (2, 0, 2)
        );
        assert!(matches!(
            pool.acquire(&acme.scope).await,
            Err(Error::Pool(PoolError::PoolTimedOut))
        ));
        let (third, ()) = tokio::join!(pool.acquire(&acme.scope), async {
            tokio::task::yield_now().await;
            drop(one);
        });
        assert!(third.is_ok());
        // Cancelled while they wait: no place is lost.
        for _ in 0..20 {
            assert!(pool.acquire(&acme.scope).now_or_never().is_none());
            assert!(pool.begin(&acme.scope).now_or_never().is_none());
        }
        drop((two, third));
        all_back(&pool).await;
        let both = (
            pool.acquire(&acme.scope).await,
            pool.acquire(&acme.scope).await,
        );
        assert!(both.0.is_ok() && both.1.is_ok());
        drop(both);
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn closing_waits_for_those_that_are_out() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let acme = stage.scope(ACME).await;
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        let mut closing = std::pin::pin!(pool.close());
        assert!(closing.as_mut().now_or_never().is_none());
        assert!(matches!(
            pool.acquire(&acme.scope).await,
            Err(Error::Pool(PoolError::PoolClosed))
        ));
        sqlx::query(INSERT).execute(&mut **tx).await.unwrap();
        tx.commit().await.unwrap();
        closing.await;
        assert!(matches!(
            pool.acquire(&acme.scope).await,
            Err(Error::Pool(PoolError::PoolClosed))
        ));
        assert_eq!(stage.titles(ACME).await.len(), 4);
        until("connections to close", async || {
            stage.backends().await.is_empty()
        })
        .await;
        acme.end().await;
    })
    .await;
}

#[test]
fn what_is_dropped_outside_a_runtime_comes_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (stage, pool, acme, held) = runtime.block_on(async {
        let stage = Stage::new(tenancy_testkit::postgres::majors()[0]).await;
        let pool = stage.pool(2).await;
        let acme = stage.scope(ACME).await;
        let db = pool.acquire_owned(acme.scope.ticket()).await.unwrap();
        let tx = pool.begin_owned(acme.scope.ticket()).await.unwrap();
        (stage, pool, acme, (db, tx))
    });
    drop(held);
    runtime.block_on(async {
        all_back(&pool).await;
        assert_eq!(pool.status().idle, 2);
    });
    // In flight: where the answer is there at once, the next one is.
    loop {
        let mut begin = Box::pin(pool.begin(&acme.scope));
        let in_flight = runtime.block_on(async { futures_util::poll!(&mut begin).is_pending() });
        drop(begin);
        runtime.block_on(all_back(&pool));
        if in_flight {
            break;
        }
    }
    runtime.block_on(async {
        assert_eq!(titles(&pool, &acme.scope).await.len(), 3);
    });
    // Nor does it panic where the runtime itself is gone; the sockets went with it.
    let late = runtime.block_on(async {
        (
            pool.acquire_owned(acme.scope.ticket()).await.unwrap(),
            pool.begin_owned(acme.scope.ticket()).await.unwrap(),
        )
    });
    drop(runtime);
    drop(late);
    assert_eq!(pool.status().in_use, 0);
    drop(stage);
}
