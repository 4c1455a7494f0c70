//! The adversarial suite over [`TenantPool`], on every major that is supported.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement, Value};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _, ValueRef as _};
use tenancy_adapter_tests::{Adapted, World};
use tenancy_conformance::{
    Body, Connections, Harness, Row, RowStream, Session, SqlError, Tier, TransactionSession,
};
use tenancy_core::{BoxError, CentralScope, RequestTransaction, TenantId, TenantScope};
use tenancy_sea_orm::{
    BulkInsert, CentralPool, DriverConnection, Error, Finding, PoolError, PoolStatus,
    ScopedConnection, TenantKind, TenantPool, TenantPoolBuilder, TenantTransaction,
};

#[derive(Clone)]
struct SeaOrm {
    pool: TenantPool,
    central: Option<CentralPool>,
    tier: Tier,
    kind: TenantKind,
}

/// A handle with SeaORM's traits.
struct On<C>(C);

trait Leads: Send + Sync {
    type Orm: ConnectionTrait;

    fn orm(&self) -> &Self::Orm;

    /// For what SeaORM has no verb for: rows of a simple message, and COPY.
    fn driver(&self) -> BoxFuture<'_, Result<DriverConnection<'_>, Error>>;
}

impl<'s, S: 'static> Leads for ScopedConnection<'s, S> {
    type Orm = ScopedConnection<'s, S>;

    fn orm(&self) -> &Self::Orm {
        self
    }

    fn driver(&self) -> BoxFuture<'_, Result<DriverConnection<'_>, Error>> {
        self.driver().boxed()
    }
}

impl<'s> Leads for TenantTransaction<'s> {
    type Orm = TenantTransaction<'s>;

    fn orm(&self) -> &Self::Orm {
        self
    }

    fn driver(&self) -> BoxFuture<'_, Result<DriverConnection<'_>, Error>> {
        self.driver().boxed()
    }
}

impl<'s> Leads for &TenantTransaction<'s> {
    type Orm = TenantTransaction<'s>;

    fn orm(&self) -> &Self::Orm {
        self
    }

    fn driver(&self) -> BoxFuture<'_, Result<DriverConnection<'_>, Error>> {
        TenantTransaction::driver(self).boxed()
    }
}

impl<C: Leads> Session for On<C> {
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        let sql = AssertSqlSafe(sql.to_owned());
        async move {
            let mut driver = self.0.driver().await.map_err(DbErr::from)?;
            Ok(rows(
                sqlx::raw_sql(sql).fetch_all(&mut *driver).await?.iter(),
            ))
        }
        .map(|answer: Result<_, Failed>| answer.map_err(|failed| failed.0))
        .boxed()
    }

    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        let values = params.iter().map(|param| Value::from(*param));
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        async move {
            let found = self.0.orm().query_all_raw(statement).await?;
            Ok(rows(found.iter().map(|row| row.try_as_pg_row().unwrap())))
        }
        .map(|answer: Result<_, Failed>| answer.map_err(|failed| failed.0))
        .boxed()
    }

    fn copy_out_half<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<(), SqlError>>> {
        let half = async move {
            let mut driver = self.0.driver().await.map_err(DbErr::from)?;
            let mut copy = driver.copy_out_raw(sql).await?;
            Ok(copy.next().await.transpose().map(drop)?)
        };
        Some(
            half.map(|answer: Result<_, Failed>| answer.map_err(|failed| failed.0))
                .boxed(),
        )
    }

    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<Vec<String>, SqlError>>> {
        let whole = async move {
            let mut driver = self.0.driver().await.map_err(DbErr::from)?;
            let copy = driver.copy_out_raw(sql).await?;
            let pieces: Vec<_> = copy.try_collect().await?;
            let text = |piece: &_| String::from_utf8_lossy(AsRef::as_ref(piece)).into_owned();
            Ok(pieces.iter().map(text).collect())
        };
        Some(
            whole
                .map(|answer: Result<_, Failed>| answer.map_err(|failed| failed.0))
                .boxed(),
        )
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

impl Harness for SeaOrm {
    fn adapter(&self) -> &'static str {
        "tenancy-sea-orm"
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        async move {
            // Through a pooler a scope lasts for a transaction.
            let session: Box<dyn Session + 'a> = if self.tier == Tier::RowLevelPooled {
                Box::new(On(self.pool.begin(scope).await?))
            } else {
                Box::new(On(self.pool.acquire(scope).await?))
            };
            Ok(session)
        }
        .boxed()
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        async move {
            Ok(Box::new(On(self.pool.begin(scope).await?)) as Box<dyn TransactionSession + 'a>)
        }
        .boxed()
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        self.pool
            .transaction(scope, async |tx| -> Result<_, BoxError> {
                body.run(&mut On(tx)).await
            })
            .boxed()
    }

    fn stream<'a>(
        &'a self,
        scope: &'a TenantScope,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<RowStream, BoxError>>> {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let streamed = async move {
            let found = self.pool.stream(scope.ticket(), statement).await?;
            let texts = found.map(|row| match row {
                Ok(row) => Ok(texts(row.try_as_pg_row().unwrap())),
                Err(error) => Err(Failed::from(error).0),
            });
            Ok(texts.boxed())
        };
        Some(streamed.boxed())
    }

    fn bulk_insert<'a>(
        &'a self,
        scope: &'a TenantScope,
        ids: Vec<i64>,
        titles: Vec<String>,
    ) -> Option<BoxFuture<'a, Result<u64, BoxError>>> {
        let bulk = BulkInsert::into("conformance.notes");
        let bulk = if self.tier == Tier::RowLevelSealed {
            bulk.tenant_column("tenant_id", self.kind)
        } else {
            bulk.without_tenant_column()
        };
        let bulk = bulk.column("id", ids).column("title", titles);
        let inserted = async move {
            let db = self.pool.acquire(scope).await?;
            let inserted = bulk.execute(&mut *db.driver().await?).await?;
            Ok(inserted)
        };
        Some(inserted.boxed())
    }

    fn central<'a>(
        &'a self,
        scope: &'a CentralScope,
    ) -> Option<BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>>> {
        let central = self.central.as_ref()?;
        let session = async { Ok(Box::new(On(central.acquire(scope).await?)) as Box<dyn Session>) };
        Some(session.boxed())
    }

    fn evict<'a>(&'a self, tenant: &'a TenantId) -> Option<BoxFuture<'a, ()>> {
        self.pool.evict(tenant);
        Some(std::future::ready(()).boxed())
    }

    fn connections(&self) -> Option<Connections> {
        let status = self.pool.status();
        Some(Connections {
            max: status.max,
            size: status.size,
            in_use: status.in_use,
            waiting: status.waiting,
        })
    }
}

struct Failed(SqlError);

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        Self(SqlError {
            code: code.map(Into::into),
            message: format!("{error:?}"),
        })
    }
}

impl From<DbErr> for Failed {
    fn from(error: DbErr) -> Self {
        let message = format!("{error:?}");
        match error {
            DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => {
                let code = error
                    .as_database_error()
                    .and_then(sqlx::error::DatabaseError::code);
                Self(SqlError {
                    code: code.map(Into::into),
                    message,
                })
            }
            _ => Self(SqlError {
                code: None,
                message,
            }),
        }
    }
}

fn rows<'r>(found: impl Iterator<Item = &'r PgRow>) -> Vec<Row> {
    found.map(texts).collect()
}

/// Every value as the server wrote it: text, in all of the suite's ways to ask.
fn texts(row: &PgRow) -> Row {
    let value = |column| {
        let value = row.try_get_raw(column).unwrap();
        (!value.is_null()).then(|| value.as_str().unwrap().to_owned())
    };
    (0..row.len()).map(value).collect()
}

impl Adapted for SeaOrm {
    type Driver = tenancy_sqlx::postgres::Sqlx;
    type Error = Error;
    type Pool = TenantPool;

    fn builder(url: &str) -> TenantPoolBuilder {
        TenantPool::builder(url)
    }

    async fn connect(world: &World<'_>, builder: TenantPoolBuilder) -> Result<Self, Error> {
        let stage = world.stage();
        let central = if matches!(stage.tier(), Tier::RowLevelSealed | Tier::RowLevelLogins) {
            let settings = CentralPool::builder(&world.database().central_url());
            Some(CentralPool::connect_with(settings.max_connections(1)).await?)
        } else {
            None
        };
        Ok(Self {
            pool: TenantPool::connect_with(builder).await?,
            central,
            tier: stage.tier(),
            kind: stage.kind(),
        })
    }

    fn of_the_pool(error: &Error) -> Option<&PoolError> {
        match error {
            Error::Pool(error) => Some(error),
            _ => None,
        }
    }

    async fn check_out(&self, scope: &TenantScope) -> Result<(), Error> {
        self.pool.acquire(scope).await.map(drop)
    }

    async fn request_transaction<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> Result<RequestTransaction<'s, TenantPool>, Error> {
        self.pool.request_transaction(scope).await
    }

    fn session<'h>(handle: &'h mut TenantTransaction<'static>) -> Box<dyn Session + 'h> {
        Box::new(On(&*handle))
    }

    fn status(&self) -> PoolStatus {
        self.pool.status()
    }

    fn evict_all(&self) {
        self.pool.evict_all();
    }

    async fn verify(&self, scope: Option<&TenantScope>) -> Result<Vec<Finding>, Error> {
        match scope {
            Some(scope) => self.pool.verify_for(scope).await,
            None => self.pool.verify().await,
        }
    }
}

tenancy_adapter_tests::suite_tests!(SeaOrm);
tenancy_adapter_tests::separation_tests!(SeaOrm);
tenancy_adapter_tests::read_only_tests!(SeaOrm);
tenancy_adapter_tests::request_transaction_tests!(SeaOrm);
tenancy_adapter_tests::pooled_tests!(SeaOrm);
