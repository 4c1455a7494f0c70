//! SeaORM. Its one way to hold a connection is a transaction, so (a) is run inside one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, LocalBoxFuture};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    Statement, TransactionTrait as _, Value,
};
use tenancy_core::TenantScope;
use tenancy_sea_orm::{TenantConnection, TenantPool, TenantPoolBuilder, TenantTransaction};

use super::{Crowd, Kind, Way};
use crate::Failed;
use crate::case::{Case, RANGE, Setting, Statements, TEN};
use crate::place::Place;

pub(super) async fn way(
    kind: Kind,
    case: Case,
    place: &Place,
) -> Result<Option<Box<dyn Way>>, Failed> {
    let in_transaction = case == Case::SelectInTransaction;
    let scoped = place.scoped;
    Ok(Some(match kind {
        Kind::Unscoped => {
            let transaction = one(&place.plain_url).await?.begin().await?;
            Box::new(Unscoped(transaction, place.plain))
        }
        Kind::Bound if in_transaction => {
            let pool = pool(place, 0).await?;
            let transaction = pool.begin_owned(place.scope.ticket()).await?;
            Box::new(BoundTransaction(transaction, scoped))
        }
        _ if in_transaction => return Ok(None),
        Kind::Bound => {
            let pool = pool(place, 0).await?;
            let connection = pool.acquire_owned(place.scope.ticket()).await?;
            Box::new(Bound(connection, scoped))
        }
        Kind::Pooled => Box::new(Pooled(
            Database::connect(&place.plain_url).await?,
            place.plain,
        )),
        Kind::Usual => Box::new(Usual {
            database: one(&place.plain_url).await?,
            statements: place.usual,
            setting: place.setting,
        }),
        Kind::Warm => Box::new(Scoped::new(place, 0).await?),
        // The one connection is kept ahead of need, bound to nobody.
        Kind::Cold => Box::new(Scoped::new(place, 1).await?),
    }))
}

pub(super) async fn crowd(place: &Place, connections: u32) -> Result<Arc<dyn Crowd>, Failed> {
    let settings = builder(place).max_connections(connections);
    let pool = TenantPool::connect_with(settings).await?;
    let select = place.scoped.select;
    Ok(Arc::new(Shared { pool, select }))
}

/// A pool of one connection that asks for nothing before it is used.
async fn one(url: &str) -> Result<DatabaseConnection, Failed> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .test_before_acquire(false)
        .sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

async fn pool(place: &Place, reserve: u32) -> Result<TenantPool, Failed> {
    let settings = builder(place).max_connections(1).reserve(reserve);
    Ok(TenantPool::connect_with(settings).await?)
}

fn builder(place: &Place) -> TenantPoolBuilder {
    place.settle(TenantPool::builder(&place.runtime_url))
}

fn statement<const N: usize>(sql: &'static str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

async fn run<C: ConnectionTrait>(
    connection: &C,
    statements: Statements,
    case: Case,
    row: i64,
) -> Result<(), Failed> {
    match case {
        Case::Select | Case::SelectInTransaction => {
            let select = statement(statements.select, [row.into()]);
            title(connection.query_one_raw(select).await?)?;
        }
        Case::Insert => {
            let insert = statement(statements.insert, [row.into(), "a title".into()]);
            connection.execute_raw(insert).await?;
        }
        Case::Ten => {
            for row in row..row + TEN {
                let select = statement(statements.select, [row.into()]);
                title(connection.query_one_raw(select).await?)?;
            }
        }
        Case::Range => {
            let range = statement(statements.range, [row.into(), (row + RANGE - 1).into()]);
            for row in connection.query_all_raw(range).await? {
                let _: (i64, String) = (row.try_get("", "id")?, row.try_get("", "title")?);
            }
        }
    }
    Ok(())
}

fn title(row: Option<sea_orm::QueryResult>) -> Result<String, Failed> {
    Ok(row.ok_or("the row is not there")?.try_get("", "title")?)
}

struct Unscoped(DatabaseTransaction, Statements);

impl Way for Unscoped {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        run(&self.0, self.1, case, row).boxed_local()
    }
}

struct Bound(TenantConnection<'static>, Statements);

impl Way for Bound {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        run(&self.0, self.1, case, row).boxed_local()
    }
}

struct BoundTransaction(TenantTransaction<'static>, Statements);

impl Way for BoundTransaction {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        run(&self.0, self.1, case, row).boxed_local()
    }
}

struct Usual {
    database: DatabaseConnection,
    statements: Statements,
    setting: Option<Setting>,
}

impl Way for Usual {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            let transaction = self.database.begin().await?;
            if let Some(Setting { sql, value }) = self.setting {
                let set = statement(sql, [value.into()]);
                transaction.execute_raw(set).await?;
            }
            run(&transaction, self.statements, case, row).await?;
            Ok(transaction.commit().await?)
        }
        .boxed_local()
    }
}

struct Pooled(DatabaseConnection, Statements);

impl Way for Pooled {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        run(&self.0, self.1, case, row).boxed_local()
    }
}

struct Scoped {
    pool: TenantPool,
    scope: TenantScope,
    statements: Statements,
}

impl Scoped {
    async fn new(place: &Place, reserve: u32) -> Result<Self, Failed> {
        Ok(Self {
            pool: pool(place, reserve).await?,
            scope: place.scope.ticket(),
            statements: place.scoped,
        })
    }
}

impl Way for Scoped {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            let connection = self.pool.acquire(&self.scope).await?;
            run(&connection, self.statements, case, row).await
        }
        .boxed_local()
    }

    fn is_settled(&self) -> bool {
        self.pool.status().in_use == 0
    }
}

struct Shared {
    pool: TenantPool,
    select: &'static str,
}

impl Crowd for Shared {
    fn select<'a>(&'a self, scope: &'a TenantScope, row: i64) -> BoxFuture<'a, Result<(), Failed>> {
        async move {
            let connection = self.pool.acquire(scope).await?;
            let select = statement(self.select, [row.into()]);
            title(connection.query_one_raw(select).await?)?;
            Ok(())
        }
        .boxed()
    }

    fn sleep<'a>(
        &'a self,
        scope: &'a TenantScope,
        long: Duration,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        async move {
            let connection = self.pool.acquire(scope).await?;
            let sleep = statement("SELECT pg_sleep($1)", [long.as_secs_f64().into()]);
            connection.execute_raw(sleep).await?;
            Ok(())
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.pool.close().boxed()
    }
}
