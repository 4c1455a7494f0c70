//! SQLx's own pool in the ambient scope: code that takes a `PgPool` runs as it is.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgListener, PgPool};
use sqlx::{PgConnection, Postgres, Transaction};
use tenancy_adapter_tests::World;
use tenancy_conformance::{Body, Harness, Row, Session, Suite, Tier, TransactionSession};
use tenancy_core::{BoxError, CentralScope, InCurrentScope as _, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{AmbientPool, AmbientPoolBuilder, TenantKind};
use tenancy_testkit::postgres::Major;
use tenancy_testkit::proxy::Proxy;

use super::conformance::On;
use super::half_read::backend;
use super::stage::{ACME, GLOBEX, Stage, each, until};

impl Stage {
    pub(super) fn ambient(&self, url: &str) -> AmbientPoolBuilder {
        AmbientPool::builder(url)
            .sealing_key(self.key.clone())
            .roles(self.roles.clone())
            .acquire_timeout(Duration::from_secs(20))
    }

    pub(super) async fn ambient_pool(&self, connections: u32) -> PgPool {
        let builder = self.ambient(&self.database.runtime_url());
        let pool = builder.max_connections(connections).connect().await;
        pool.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Code that knows nothing of tenants.
pub(super) async fn titles(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT title FROM notes ORDER BY id")
        .fetch_all(pool)
        .await
}

pub(super) async fn whose(connection: &mut PgConnection) -> String {
    sqlx::query_scalar("SELECT DISTINCT tenant_id FROM notes")
        .fetch_one(connection)
        .await
        .unwrap()
}

pub(super) fn own(tenant: &str) -> Vec<String> {
    (1..=3).map(|id| format!("{tenant} {id}")).collect()
}

/// The database's own word for it: no scope.
#[track_caller]
pub(super) fn assert_no_scope<T: std::fmt::Debug>(answer: sqlx::Result<T>) {
    let error = answer.unwrap_err();
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("TN001"), "{error}");
}

pub(super) async fn at_rest(pool: &PgPool) {
    until("connections to be at rest", async || {
        pool.num_idle() == pool.size() as usize
    })
    .await;
}

#[tokio::test]
async fn each_statement_runs_in_the_scope_that_is_open_around_it() {
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(1).await;
        for tenant in [ACME, GLOBEX, ACME] {
            let add = async |id: i64| {
                let mut tx: Transaction<'static, Postgres> = pool.begin().await?;
                sqlx::query("INSERT INTO notes (id, title) VALUES ($1, 'new')")
                    .bind(id)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, sqlx::Error>(tx)
            };
            stage
                .tenancy
                .run(tenant, async |_: &TenantScope| -> Result<(), Error> {
                    assert_eq!(titles(&pool).await?, own(tenant));
                    let rows = sqlx::query("SELECT title FROM notes").fetch(&pool);
                    assert_eq!(rows.try_collect::<Vec<_>>().await?.len(), 3);
                    add(10).await?.commit().await?;
                    add(11).await?.rollback().await?;
                    drop(add(12).await?);
                    assert_eq!(titles(&pool).await?.len(), 4);
                    sqlx::query("DELETE FROM notes WHERE id >= 10")
                        .execute(&pool)
                        .await?;
                    // The same scope again, deeper down.
                    stage
                        .tenancy
                        .run(tenant, async |_: &TenantScope| -> Result<(), Error> {
                            assert_eq!(titles(&pool).await?, own(tenant));
                            Ok(())
                        })
                        .await
                })
                .await
                .unwrap();
            assert_eq!(stage.titles(ACME).await, own(ACME));
            assert_eq!(stage.titles(GLOBEX).await, own(GLOBEX));
        }
        pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_scope_the_database_refuses() {
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(2).await;
        // On a fresh connection, and on one that served a tenant.
        assert_no_scope(titles(&pool).await);
        stage
            .tenancy
            .run(ACME, async |_: &TenantScope| -> Result<(), Error> {
                assert_eq!(titles(&pool).await?, own(ACME));
                let spawned = pool.clone();
                assert_no_scope(
                    tokio::spawn(async move { titles(&spawned).await })
                        .await
                        .unwrap(),
                );
                let carried = pool.clone();
                let carried =
                    tokio::spawn(async move { titles(&carried).await }.in_current_scope());
                assert_eq!(carried.await.unwrap()?, own(ACME));
                Ok(())
            })
            .await
            .unwrap();
        assert_no_scope(titles(&pool).await);
        let insert = sqlx::query("INSERT INTO notes (id, title) VALUES (9, 'nobody')");
        assert_no_scope(insert.execute(&pool).await);
        // SQLx's own way past its hooks, to a connection that has just served a tenant.
        let acme = stage.scope(ACME).await;
        let both = async { tokio::try_join!(pool.acquire(), pool.acquire()) };
        drop(acme.scope.scope(both).await.unwrap());
        at_rest(&pool).await;
        let mut past = pool.try_acquire().unwrap();
        let sql = "SELECT title FROM notes";
        assert_no_scope(sqlx::query(sql).fetch_all(&mut *past).await);
        drop(past);
        // Kept and used in central work: central is another login's.
        stage
            .tenancy
            .central("a test", async |_: &CentralScope| -> Result<(), Error> {
                assert_no_scope(titles(&pool).await);
                stage
                    .tenancy
                    .run(GLOBEX, async |_: &TenantScope| -> Result<(), Error> {
                        assert_eq!(titles(&pool).await?, own(GLOBEX));
                        Ok(())
                    })
                    .await?;
                assert_no_scope(titles(&pool).await);
                Ok(())
            })
            .await
            .unwrap();
        // A ticket opens nothing after its end.
        let ended = stage.scope(ACME).await.end().await;
        assert_no_scope(ended.scope(titles(&pool)).await);
    })
    .await;
}

#[tokio::test]
async fn the_scope_is_read_where_the_checkout_is_polled() {
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let made_in_acme = acme.scope.during(|| titles(&pool));
        assert_eq!(globex.scope.scope(made_in_acme).await.unwrap(), own(GLOBEX));
        let made_in_acme = acme.scope.during(|| pool.acquire());
        let mut kept = globex.scope.scope(made_in_acme).await.unwrap();
        // What is kept stays its own, wherever it is taken.
        assert_eq!(acme.scope.scope(whose(&mut kept)).await, GLOBEX);
        acme.end().await;
        globex.end().await;
        assert_eq!(whose(&mut kept).await, GLOBEX);
        drop(kept);
        assert_no_scope(titles(&pool).await);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_was_made_ahead_of_need_is_bound_when_it_is_taken() {
    each(async |stage: Stage| {
        let builder = stage.ambient(&stage.database.runtime_url());
        let pool = builder
            .max_connections(3)
            .min_connections(3)
            .connect()
            .await
            .unwrap();
        until("connections to be made", async || pool.num_idle() == 3).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            let all = acme
                .scope
                .scope(async { tokio::try_join!(pool.acquire(), pool.acquire(), pool.acquire()) });
            let (mut one, mut two, mut three) = all.await.unwrap();
            for connection in [&mut one, &mut two, &mut three] {
                assert_eq!(whose(connection).await, ACME);
            }
        }
        let mut listener = acme
            .scope
            .scope(PgListener::connect_with(&pool))
            .await
            .unwrap();
        listener.listen("gossip").await.unwrap();
        stage
            .admin
            .batch_execute("NOTIFY gossip, 'hello'")
            .await
            .unwrap();
        assert_eq!(listener.recv().await.unwrap().payload(), "hello");
    })
    .await;
}

#[tokio::test]
async fn a_checkout_is_two_trips_and_the_release_none() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let pool = stage
            .ambient(&url)
            .max_connections(1)
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        acme.scope.scope(titles(&pool)).await.unwrap();
        for _ in 0..3 {
            at_rest(&pool).await;
            proxy.reset();
            let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
            assert_eq!((proxy.trips(), proxy.sent().as_str()), (2, "QQ"));
            let all = sqlx::query("SELECT title FROM notes ORDER BY id");
            assert_eq!(all.fetch_all(&mut *db).await.unwrap().len(), 3);
            assert_eq!(proxy.trips(), 3, "{}", proxy.sent());
        }
    })
    .await;
}

#[tokio::test]
async fn lost_connections_are_replaced() {
    each(async |stage: Stage| {
        let pool = stage.ambient_pool(2).await;
        let acme = stage.scope(ACME).await;
        for _ in 0..3 {
            let both = async { tokio::try_join!(pool.acquire(), pool.acquire()) };
            let (mut one, two) = acme.scope.scope(both).await.unwrap();
            let before = backend(&mut one).await;
            drop((one, two));
            at_rest(&pool).await;
            stage.kill_all().await;
            let mut db = acme.scope.scope(pool.acquire()).await.unwrap();
            assert_eq!(whose(&mut db).await, ACME);
            assert_ne!(backend(&mut db).await, before);
        }
    })
    .await;
}

struct DropIn(PgPool);

impl Harness for DropIn {
    fn adapter(&self) -> &'static str {
        "a drop-in pool"
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        async move {
            scope.ensure_usable()?;
            let connection = scope.scope(self.0.acquire()).await?;
            Ok(Box::new(On(connection)) as Box<dyn Session + 'a>)
        }
        .boxed()
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        async move {
            scope.ensure_usable()?;
            let transaction = scope.scope(self.0.begin()).await?;
            Ok(Box::new(On(transaction)) as Box<dyn TransactionSession + 'a>)
        }
        .boxed()
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        async move {
            scope.ensure_usable()?;
            let mut transaction = scope.scope(self.0.begin()).await?;
            let rows = body.run(&mut On(&mut *transaction)).await?;
            transaction.commit().await?;
            Ok(rows)
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_finds_what_is_not_promised_and_no_more() {
    let world = World::new(Tier::RowLevelSealed, Major::V18, TenantKind::Text).await;
    let stage = world.stage();
    let pool = AmbientPool::builder(world.url())
        .sealing_key(stage.sealing_key().unwrap().clone())
        .roles(world.roles().clone())
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(6))
        .connect()
        .await
        .unwrap();
    let found = async |suite: Suite| {
        let report = suite.run(&DropIn(pool.clone()), stage).await;
        println!("{report}");
        report.failures().map(|(case, _)| case).collect::<Vec<_>>()
    };
    // SQL that ends the transaction does not end a scope that is bound to the session.
    let not_promised = "transactions.bound";
    // Over a changed role nothing is served, for longer than the suite waits.
    let too_long = "leftovers.role";
    let all = Suite::row_level_postgres();
    let cases = all.cases().map(|(case, _)| case);
    let rest: Vec<_> = cases
        .filter(|case| *case != not_promised && !case.starts_with(too_long))
        .collect();
    let rest = Suite::row_level_postgres().only(&rest);
    assert_eq!(found(rest).await, [""; 0]);
    let suite = Suite::row_level_postgres().only(&[not_promised]);
    assert_eq!(found(suite).await, [not_promised]);
}
