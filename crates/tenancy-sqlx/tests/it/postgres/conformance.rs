//! The adversarial suite over [`TenantPool`], on every major that is supported.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, ValueRef as _};
use tenancy_adapter_tests::{Adapted, World};
use tenancy_conformance::{
    Body, Connections, Harness, Row, Session, SqlError, Tier, TransactionSession,
};
use tenancy_core::{BoxError, RequestTransaction, TenantId, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{
    Finding, PoolError, PoolStatus, TenantConnection, TenantPool, TenantPoolBuilder,
    TenantTransaction,
};

#[derive(Clone)]
struct Sqlx(TenantPool, Tier);

/// Anything that leads to the driver's connection.
pub(super) struct On<C>(pub(super) C);

pub(super) trait Leads: Send {
    fn driver(&mut self) -> &mut PgConnection;
}

impl Leads for TenantConnection<'_> {
    fn driver(&mut self) -> &mut PgConnection {
        self
    }
}

impl Leads for TenantTransaction<'_> {
    fn driver(&mut self) -> &mut PgConnection {
        self
    }
}

impl Leads for &mut PgConnection {
    fn driver(&mut self) -> &mut PgConnection {
        self
    }
}

impl<C: Leads> Session for On<C> {
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        let sql = AssertSqlSafe(sql.to_owned());
        async move { rows(sqlx::raw_sql(sql).fetch_all(self.0.driver()).await) }.boxed()
    }

    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let query = params
            .iter()
            .fold(query, |query, param| query.bind(param.to_string()));
        async move { rows(query.fetch_all(self.0.driver()).await) }.boxed()
    }

    fn copy_out_half<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<(), SqlError>>> {
        let half = async move {
            let mut copy = self
                .0
                .driver()
                .copy_out_raw(sql)
                .await
                .map_err(|error| sql_error(&error))?;
            copy.next()
                .await
                .transpose()
                .map(drop)
                .map_err(|error| sql_error(&error))
        };
        Some(half.boxed())
    }

    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<Vec<String>, SqlError>>> {
        let whole = async move {
            let copy = self
                .0
                .driver()
                .copy_out_raw(sql)
                .await
                .map_err(|error| sql_error(&error))?;
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

impl Harness for Sqlx {
    fn adapter(&self) -> &'static str {
        "tenancy-sqlx"
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
                async |tx: &mut PgConnection| -> Result<_, BoxError> {
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

/// Every value as the server wrote it: text, in both of the suite's ways to ask.
fn rows(answer: Result<Vec<PgRow>, sqlx::Error>) -> Result<Vec<Row>, SqlError> {
    let value = |row: &PgRow, column| {
        let value = row.try_get_raw(column).unwrap();
        (!value.is_null()).then(|| value.as_str().unwrap().to_owned())
    };
    let answer = answer.map_err(|error| sql_error(&error))?;
    Ok(answer
        .iter()
        .map(|row| (0..row.len()).map(|column| value(row, column)).collect())
        .collect())
}

fn sql_error(error: &sqlx::Error) -> SqlError {
    let database = error.as_database_error();
    SqlError {
        code: database
            .and_then(sqlx::error::DatabaseError::code)
            .map(Into::into),
        message: format!("{error:?}"),
    }
}

impl Adapted for Sqlx {
    type Driver = tenancy_sqlx::postgres::Sqlx;
    type Error = Error;
    type Pool = TenantPool;

    fn builder(url: &str) -> TenantPoolBuilder {
        TenantPool::builder(url)
    }

    async fn connect(world: &World<'_>, builder: TenantPoolBuilder) -> Result<Self, Error> {
        Ok(Self(builder.connect().await?, world.stage().tier()))
    }

    fn of_the_pool(error: &Error) -> Option<&PoolError> {
        match error {
            Error::Pool(error) => Some(error),
            _ => None,
        }
    }

    fn of_the_scope(error: &Error) -> Option<&tenancy_core::Error> {
        match error {
            Error::Scope(error) => Some(error),
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

    fn session<'h>(
        handle: &'h mut sqlx::Transaction<'static, sqlx::Postgres>,
    ) -> Box<dyn Session + 'h> {
        Box::new(On(&mut **handle))
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

tenancy_adapter_tests::suite_tests!(Sqlx);
tenancy_adapter_tests::separation_tests!(Sqlx);
tenancy_adapter_tests::read_only_tests!(Sqlx);
tenancy_adapter_tests::request_transaction_tests!(Sqlx);
tenancy_adapter_tests::pooled_tests!(Sqlx);
