//! What hostile SQL, dropped futures and careless code do to SQLx's own pool in the ambient scope.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::{Connection as _, PgConnection};
use tenancy_core::TenantScope;
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{AmbientPool, PoolError};
use tenancy_testkit::proxy::Proxy;

use super::ambient::{assert_no_scope, at_rest, own, titles, whose};
use super::cancelled_begin::cancelled;
use super::half_read::{backend, fails, half_read};
use super::leftovers::{LEFT, asks, run};
use super::stage::{ACME, GLOBEX, Stage, each};

#[tokio::test]
async fn dropped_begins_leave_no_statement_in_anothers_transaction() {
    const TRIALS: i64 = 1_000;
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(2).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut random = StdRng::seed_from_u64(4);
        let mut dropped = 0;
        for n in 0..TRIALS {
            let both = [(&acme.scope, ACME), (&globex.scope, GLOBEX)];
            let (first, second) = match n % 2 {
                0 => (both[0], both[1]),
                _ => (both[1], both[0]),
            };
            let most = 1 << random.random_range(0..8);
            let begin = first.0.scope(pool.begin());
            dropped += i32::from(
                cancelled(begin, random.random_range(1..=most))
                    .await
                    .is_none(),
            );
            let insert = "INSERT INTO notes (id, title) VALUES ($1, $2) RETURNING tenant_id";
            let insert = sqlx::query_scalar(insert).bind(1_000 + n).bind(second.1);
            let who: String = second.0.scope(insert.fetch_one(&pool)).await.unwrap();
            assert_eq!(who, second.1);
        }
        assert!(dropped > 100, "only {dropped} were cut short");
        pool.close().await;
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
    })
    .await;
}

/// SQLx's `begin`, in flight for certain when it is dropped.
#[tokio::test]
async fn a_begin_that_is_dropped_in_flight_loses_no_write() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let builder = stage.ambient(&url).scrub_timeout(Duration::from_secs(20));
        let pool = builder.max_connections(1).connect().await.unwrap();
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for n in 0..20_i64 {
            let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
            proxy.stall(true);
            assert!(cancelled(db.begin(), 3).await.is_none());
            drop(db);
            proxy.stall(false);
            let insert = sqlx::query("INSERT INTO notes (id, title) VALUES ($1, 'kept')");
            globex
                .scope
                .scope(insert.bind(100 + n).execute(&pool))
                .await
                .unwrap();
        }
        assert_eq!(stage.titles(GLOBEX).await.len(), 23);
        assert_eq!(stage.titles(ACME).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_left_for_the_next_scope() {
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for (leave, probe) in LEFT {
            let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
            run(&mut db, leave).await;
            assert!(asks(&mut db, probe).await, "it never was there: {leave}");
            drop(db);
            let mut db = globex.scope.scope(pool.acquire()).await.unwrap();
            assert!(!asks(&mut db, probe).await, "left behind: {leave}");
            assert_eq!(whose(&mut db).await, GLOBEX);
            drop(db);
            // Nor for those who pass the hooks by.
            let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
            run(&mut db, leave).await;
            drop(db);
            at_rest(&pool).await;
            if let Some(mut db) = pool.try_acquire() {
                let sql = "SELECT title FROM notes";
                assert_no_scope(sqlx::query(sql).fetch_all(&mut *db).await);
                let _refused = run_or_not(&mut db, leave, probe).await;
            }
        }
        assert_eq!(stage.titles(ACME).await, own(ACME));
    })
    .await;
}

/// Probes that read a walled table are refused by themselves.
async fn run_or_not(connection: &mut PgConnection, leave: &str, probe: &'static str) {
    if !probe.contains("FROM notes") {
        assert!(!asks(connection, probe).await, "left behind: {leave}");
    }
}

#[tokio::test]
async fn a_hijacked_prepared_statement_serves_nobody() {
    const QUERY: &str = "SELECT title FROM notes WHERE id = $1";
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let second = async |scope: &TenantScope| -> String {
            let query = sqlx::query_scalar(QUERY).bind(2_i64);
            scope.scope(query.fetch_one(&pool)).await.unwrap()
        };
        for steal in [
            "DEALLOCATE ALL; PREPARE sqlx_s_1 (bigint) AS SELECT 'stolen'::text FROM (SELECT $1) a",
            "DEALLOCATE ALL",
        ] {
            assert_eq!(second(&acme.scope).await, "acme 2");
            let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
            run(&mut db, steal).await;
            drop(db);
            assert_eq!(second(&globex.scope).await, "globex 2");
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_is_one_answer_behind_is_closed() {
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        for _ in 0..5 {
            let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
            let before = backend(&mut db).await;
            half_read(&mut db).await;
            drop(db);
            let mut db = globex.scope.scope(pool.acquire()).await.unwrap();
            assert!(fails(&mut db).await);
            assert_ne!(backend(&mut db).await, before);
            assert_eq!(whose(&mut db).await, GLOBEX);
        }
    })
    .await;
}

#[tokio::test]
async fn a_query_that_was_dropped_holds_nobody_up() {
    each(async |stage: Stage| {
        let builder = stage.ambient(&stage.database.runtime_url());
        let builder = builder.scrub_timeout(Duration::from_millis(100));
        let pool = builder.max_connections(1).connect().await.unwrap();
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let slow = acme
            .scope
            .scope(sqlx::query("SELECT pg_sleep(600)").execute(&pool));
        assert!(
            tokio::time::timeout(Duration::from_millis(300), slow)
                .await
                .is_err()
        );
        assert_eq!(
            globex.scope.scope(titles(&pool)).await.unwrap(),
            own(GLOBEX)
        );
        super::stage::until("the query to end", async || {
            stage.backends().await.len() <= 2
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_from_elsewhere_does_not_get_into_the_pool() {
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut superuser = PgConnection::connect(&stage.database.admin_url())
            .await
            .unwrap();
        let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
        std::mem::swap::<PgConnection>(&mut db, &mut superuser);
        drop(db);
        for _ in 0..3 {
            assert_eq!(
                globex.scope.scope(titles(&pool)).await.unwrap(),
                own(GLOBEX)
            );
            assert_no_scope(titles(&pool).await);
        }
        // What was carried away stays that tenant's.
        assert_eq!(whose(&mut superuser).await, ACME);
    })
    .await;
}

#[tokio::test]
async fn a_scope_that_can_t_be_opened_is_no_scope_and_no_wait() {
    each(async |stage: Stage| {
        let url = stage.database.runtime_url();
        let acme = stage.scope(ACME).await;
        let other = SealingKey::generate(KeyId::new(1).unwrap()).unwrap();
        let builder = stage.ambient(&url).sealing_key(other).max_connections(1);
        let pool = builder.connect().await.unwrap();
        let before = Instant::now();
        for _ in 0..3 {
            assert_no_scope(acme.scope.scope(titles(&pool)).await);
        }
        assert!(before.elapsed() < Duration::from_secs(15));
        // The same where the id is not canonical for the column's type.
        let kind = tenancy_sqlx::postgres::TenantKind::Bigint;
        let pool = stage.ambient(&url).kind(kind).connect().await.unwrap();
        assert_no_scope(acme.scope.scope(titles(&pool)).await);
    })
    .await;
}

#[tokio::test]
async fn over_a_hole_nothing_is_served() {
    each(async |stage: Stage| {
        let url = stage.database.runtime_url();
        let builder = stage.ambient(&url).acquire_timeout(Duration::from_secs(2));
        let acme = stage.scope(ACME).await;
        let hole = "ALTER TABLE notes NO FORCE ROW LEVEL SECURITY";
        stage.admin.batch_execute(hole).await.unwrap();
        let refused = builder.clone().connect().await.unwrap_err();
        let Error::Pool(PoolError::Unsafe(findings)) = refused else {
            panic!("{refused:?}")
        };
        // Named, it is served over.
        let hole = findings.iter().find(|finding| finding.is_hole()).unwrap();
        let pool = builder
            .accept_finding(hole.code, &hole.object)
            .max_connections(2)
            .connect()
            .await
            .unwrap();
        at_rest(&pool).await;
        let mut first = acme.scope.scope(pool.acquire()).await.unwrap();
        assert_eq!(whose(&mut first).await, ACME);
        // What injected SQL can do outlives every scrub. It is none of those that are named.
        run(
            &mut first,
            "ALTER ROLE CURRENT_USER SET statement_timeout = 5000",
        )
        .await;
        let late = acme.scope.scope(pool.acquire()).await;
        assert!(matches!(late, Err(sqlx::Error::PoolTimedOut)), "{late:?}");
        let late = pool.acquire().await;
        assert!(matches!(late, Err(sqlx::Error::PoolTimedOut)), "{late:?}");
        drop(first);
        let runtime = stage.database.runtime_role();
        let mend = format!("ALTER ROLE {runtime} RESET statement_timeout");
        stage.admin.batch_execute(&mend).await.unwrap();
        let both = async { tokio::try_join!(pool.acquire(), pool.acquire()) };
        let (mut one, mut two) = acme.scope.scope(both).await.unwrap();
        assert_eq!([whose(&mut one).await, whose(&mut two).await], [ACME; 2]);
    })
    .await;
}

#[tokio::test]
async fn without_a_key_or_a_url_there_is_none() {
    // The environment of a test run holds no sealing key.
    let none = AmbientPool::connect("postgres://app@127.0.0.1:1/none").await;
    assert!(
        matches!(none, Err(Error::Pool(PoolError::NoSealingKey))),
        "{none:?}"
    );
    let key = SealingKey::generate(KeyId::new(1).unwrap()).unwrap();
    let builder = AmbientPool::builder("not a url").sealing_key(key.clone());
    let shown = format!("{builder:?}");
    let secret = key.to_secret_string();
    let secret = secrecy::ExposeSecret::expose_secret(&secret)
        .split_once(':')
        .unwrap()
        .1
        .to_owned();
    assert!(!shown.contains(&secret), "{shown}");
    let odd = builder.connect().await;
    assert!(
        matches!(odd, Err(Error::Pool(PoolError::Url(_)))),
        "{odd:?}"
    );
}
