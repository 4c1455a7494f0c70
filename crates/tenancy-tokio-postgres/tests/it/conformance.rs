//! The adversarial suite over [`TenantPool`], on every major that is supported.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _, pin_mut};
use tenancy_conformance::{
    Body, Harness, Row, Session, SqlError, Stage, Suite, TransactionSession,
};
use tenancy_core::{BoxError, TenantScope};
use tenancy_postgres::install::Roles;
use tenancy_testkit::postgres::{Major, Server, majors, majors_all};
use tenancy_tokio_postgres::{
    TenantClient, TenantKind, TenantPool, TenantTransaction, TransactionClient,
};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::ToSql;

struct TokioPostgres(TenantPool);

/// Anything that leads to the driver's client.
struct On<C>(C);

trait Leads: Send + Sync {
    fn driver(&self) -> &ClientWrapper;
}

impl Leads for TenantClient<'_> {
    fn driver(&self) -> &ClientWrapper {
        self
    }
}

impl Leads for TenantTransaction<'_> {
    fn driver(&self) -> &ClientWrapper {
        self
    }
}

impl Leads for &mut TransactionClient {
    fn driver(&self) -> &ClientWrapper {
        self
    }
}

impl<C: Leads> Session for On<C> {
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        async move {
            let answer = self.0.driver().simple_query(sql).await;
            let messages = answer.map_err(|error| sql_error(&error))?;
            let row = |message: &SimpleQueryMessage| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|at| row.get(at).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            };
            Ok(messages.iter().filter_map(row).collect())
        }
        .boxed()
    }

    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        async move {
            let params: Vec<_> = params
                .iter()
                .map(|param| param as &(dyn ToSql + Sync))
                .collect();
            let client = self.0.driver();
            let answer = async {
                let statement = client.prepare_cached(sql).await?;
                client.query(&statement, &params).await
            };
            let rows = answer.await.map_err(|error| sql_error(&error))?;
            Ok(rows
                .iter()
                .map(|row| (0..row.len()).map(|at| row.get(at)).collect())
                .collect())
        }
        .boxed()
    }

    fn copy_out_half<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<(), SqlError>>> {
        let half = async move {
            let copy = self.0.driver().copy_out(sql).await;
            let copy = copy.map_err(|error| sql_error(&error))?;
            pin_mut!(copy);
            let first = copy.try_next().await;
            first.map(drop).map_err(|error| sql_error(&error))
        };
        Some(half.boxed())
    }

    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<Vec<String>, SqlError>>> {
        let whole = async move {
            let copy = self.0.driver().copy_out(sql).await;
            let copy = copy.map_err(|error| sql_error(&error))?;
            let pieces: Vec<_> = copy
                .try_collect()
                .await
                .map_err(|error| sql_error(&error))?;
            Ok(pieces
                .iter()
                .map(|piece| String::from_utf8_lossy(piece).into_owned())
                .collect())
        };
        Some(whole.boxed())
    }
}

impl TransactionSession for On<TenantTransaction<'_>> {
    fn commit<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a,
    {
        async move { Ok(self.0.commit().await?) }.boxed()
    }

    fn rollback<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a,
    {
        async move { Ok(self.0.rollback().await?) }.boxed()
    }
}

impl Harness for TokioPostgres {
    fn adapter(&self) -> &'static str {
        "tenancy-tokio-postgres"
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        async move { Ok(Box::new(On(self.0.acquire(scope).await?)) as Box<dyn Session + 'a>) }
            .boxed()
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        async move { Ok(Box::new(On(self.0.begin(scope).await?)) as Box<dyn TransactionSession + 'a>) }
            .boxed()
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        self.0
            .transaction(
                scope,
                async |tx: &mut TransactionClient| -> Result<_, BoxError> {
                    body.run(&mut On(tx)).await
                },
            )
            .boxed()
    }
}

fn sql_error(error: &tokio_postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(db) => SqlError {
            code: Some(db.code().code().to_owned()),
            message: format!(
                "{} {} {}",
                db.message(),
                db.detail().unwrap_or_default(),
                db.hint().unwrap_or_default()
            ),
        },
        None => SqlError::without_code(error),
    }
}

async fn passes(kind: TenantKind, majors: Vec<Major>) {
    for major in majors {
        let database = Server::shared(major)
            .await
            .unwrap()
            .database()
            .await
            .unwrap();
        let role = |name: &str| name.parse().unwrap();
        let roles = Roles::new(
            role(database.runtime_role()),
            role(database.central_role()),
            role(database.owner_role()),
        )
        .unwrap();
        let runtime = database.runtime_url();
        let stage = Stage::install(&database.admin_url(), &runtime, &roles, kind)
            .await
            .unwrap();
        let pool = TenantPool::builder(&runtime)
            .sealing_key(stage.sealing_key().unwrap().clone())
            .roles(roles)
            .kind(kind)
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(6))
            .connect()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let report = Suite::row_level_postgres()
            .run(&TokioPostgres(pool), &stage)
            .await;
        assert!(report.is_clean(), "{kind}:\n{report}");
        assert!(report.skipped().next().is_none(), "{kind}:\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text() {
    passes(TenantKind::Text, majors_all()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uuid() {
    passes(TenantKind::Uuid, majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bigint() {
    passes(TenantKind::Bigint, majors()).await;
}
