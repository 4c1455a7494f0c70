//! The adversarial suite over [`TenantPool`], on every major that is supported.

use deadpool_postgres::ClientWrapper;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _, pin_mut};
use tenancy_adapter_tests::{Adapted, World};
use tenancy_conformance::{
    Body, Connections, Harness, Row, Session, SqlError, Tier, TransactionSession,
};
use tenancy_core::{BoxError, RequestTransaction, TenantId, TenantScope};
use tenancy_tokio_postgres::{
    Error, Finding, PoolError, PoolStatus, TenantClient, TenantPool, TenantPoolBuilder,
    TenantTransaction, TransactionClient,
};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::ToSql;

#[derive(Clone)]
struct TokioPostgres(TenantPool, Tier);

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
        async move {
            // Through a pooler a scope lasts for a transaction.
            let session: Box<dyn Session + 'a> = if self.1 == Tier::RowLevelPooled {
                Box::new(On(self.0.begin(scope).await?))
            } else {
                Box::new(On(self.0.acquire(scope).await?))
            };
            Ok(session)
        }
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

    fn evict<'a>(&'a self, tenant: &'a TenantId) -> Option<BoxFuture<'a, ()>> {
        self.0.evict(tenant);
        Some(std::future::ready(()).boxed())
    }

    fn connections(&self) -> Option<Connections> {
        let status = self.0.status();
        Some(Connections {
            max: status.max,
            size: status.size,
            in_use: status.in_use,
            waiting: status.waiting,
        })
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

impl Adapted for TokioPostgres {
    type Driver = tenancy_tokio_postgres::TokioPostgres;
    type Error = Error;
    type Pool = TenantPool;

    fn builder(url: &str) -> TenantPoolBuilder<Self::Driver> {
        TenantPool::builder(url)
    }

    async fn connect(
        world: &World<'_>,
        builder: TenantPoolBuilder<Self::Driver>,
    ) -> Result<Self, Error> {
        Ok(Self(builder.connect().await?, world.stage().tier()))
    }

    fn of_the_pool(error: &Error) -> Option<&PoolError> {
        match error {
            Error::Pool(error) => Some(error),
            _ => None,
        }
    }

    async fn check_out(&self, scope: &TenantScope) -> Result<(), Error> {
        self.0.acquire(scope).await.map(drop)
    }

    async fn request_transaction<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> Result<RequestTransaction<'s, TenantPool>, Error> {
        self.0.request_transaction(scope).await
    }

    fn session(handle: &mut TransactionClient) -> Box<dyn Session + '_> {
        Box::new(On(handle))
    }

    fn status(&self) -> PoolStatus {
        self.0.status()
    }

    fn evict_all(&self) {
        self.0.evict_all();
    }

    async fn verify(&self, scope: Option<&TenantScope>) -> Result<Vec<Finding>, Error> {
        match scope {
            Some(scope) => self.0.verify_for(scope).await,
            None => self.0.verify().await,
        }
    }
}

tenancy_adapter_tests::suite_tests!(TokioPostgres);
tenancy_adapter_tests::separation_tests!(TokioPostgres);
tenancy_adapter_tests::read_only_tests!(TokioPostgres);
tenancy_adapter_tests::request_transaction_tests!(TokioPostgres);
tenancy_adapter_tests::pooled_tests!(TokioPostgres);
