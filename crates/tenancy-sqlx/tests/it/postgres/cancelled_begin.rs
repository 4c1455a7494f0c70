//! SQLx's `begin`, dropped in flight, leaves a transaction open that the driver doesn't know of
//! (transact-rs/sqlx #4385, #4393). Whoever gets the connection next writes into it.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::poll;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::postgres::PgPoolOptions;
use tenancy_core::TenantScope;
use tenancy_testkit::proxy::Proxy;

use super::half_read::backend;
use super::stage::{ACME, GLOBEX, Stage, all_back, each};

/// Polls `work` up to `polls` times, and drops it. Answers whether it was done before that.
pub(super) async fn cancelled<T>(work: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut work = pin!(work);
    for _ in 0..polls {
        if let std::task::Poll::Ready(done) = poll!(work.as_mut()) {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn on_a_plain_pool_acknowledged_writes_are_lost() {
    each(async |stage: Stage| {
        stage
            .admin
            .batch_execute("CREATE TABLE plain (n bigint)")
            .await
            .unwrap();
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.admin_url()).unwrap();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .connect(&url)
            .await
            .unwrap();
        for n in 0..20_i64 {
            while pool.num_idle() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // In flight: sent, and not answered.
            proxy.stall(true);
            assert!(cancelled(pool.begin(), 3).await.is_none());
            proxy.stall(false);
            sqlx::query("INSERT INTO plain VALUES ($1)")
                .bind(n)
                .execute(&pool)
                .await
                .unwrap();
            drop(pool.begin().await.unwrap());
        }
        pool.close().await;
        let row = stage
            .admin
            .query_one("SELECT count(*) FROM plain", &[])
            .await
            .unwrap();
        let kept: i64 = row.get(0);
        assert!(
            kept < 20,
            "SQLx no longer loses writes here: the guard may be simplified"
        );
    })
    .await;
}

#[tokio::test]
async fn on_ours_none_is_lost_and_none_is_another_tenants() {
    const TRIALS: i64 = 1_000;
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut random = StdRng::seed_from_u64(2);
        let mut dropped = 0;
        for n in 0..TRIALS {
            let both = [(&acme.scope, ACME), (&globex.scope, GLOBEX)];
            let (first, second) = if n % 2 == 0 {
                (both[0], both[1])
            } else {
                (both[1], both[0])
            };
            // From right after the first message to long after the last.
            let most = 1 << random.random_range(0..11);
            let polls = random.random_range(1..=most);
            let cut_short = match n % 3 {
                0 => cancelled(pool.acquire(first.0), polls).await.is_none(),
                1 => cancelled(pool.begin(first.0), polls).await.is_none(),
                _ => cancelled(write_and_commit(&pool, first.0), polls)
                    .await
                    .is_none(),
            };
            dropped += i32::from(cut_short);
            let mut db = pool.acquire(second.0).await.unwrap();
            let who: String = sqlx::query_scalar(
                "INSERT INTO notes (id, title) VALUES ($1, $2) RETURNING tenant_id",
            )
            .bind(1_000 + n)
            .bind(second.1)
            .fetch_one(&mut *db)
            .await
            .unwrap();
            assert_eq!(who, second.1);
        }
        assert!(dropped > 100, "only {dropped} were cut short");
        all_back(&pool).await;
        for (tenant, rest) in [(ACME, 1_i64), (GLOBEX, 0)] {
            let sql = "SELECT count(*), count(*) FILTER (WHERE title = tenant_id) FROM notes \
                       WHERE tenant_id = $1 AND id >= 1000 AND id % 2 = $2::int8";
            let row = stage.admin.query_one(sql, &[&tenant, &rest]).await.unwrap();
            assert_eq!(
                (row.get(0), row.get(1)),
                (TRIALS / 2, TRIALS / 2),
                "{tenant}"
            );
        }
        acme.end().await;
        globex.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_whose_scope_may_or_may_not_be_open_is_dropped() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let builder = stage
            .builder(&url)
            .scrub_timeout(Duration::from_secs(20))
            .shelf_timeout(Duration::ZERO);
        let pool = builder.max_connections(1).connect().await.unwrap();
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for begins in [false, true, false, true] {
            let before = backend(&mut pool.acquire(&acme.scope).await.unwrap()).await;
            all_back(&pool).await;
            proxy.stall(true);
            let dropped = if begins {
                cancelled(pool.begin(&acme.scope), 3).await.is_none()
            } else {
                cancelled(pool.acquire(&acme.scope), 3).await.is_none()
            };
            assert!(dropped);
            proxy.stall(false);
            let mut db = pool.acquire(&globex.scope).await.unwrap();
            assert_ne!(backend(&mut db).await, before, "{begins}");
        }
        all_back(&pool).await;
        acme.end().await;
        globex.end().await;
    })
    .await;
}

async fn write_and_commit(pool: &tenancy_sqlx::postgres::TenantPool, scope: &TenantScope) {
    let mut tx = pool.begin(scope).await.unwrap();
    sqlx::query("UPDATE notes SET title = title WHERE id = 1")
        .execute(&mut **tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}
