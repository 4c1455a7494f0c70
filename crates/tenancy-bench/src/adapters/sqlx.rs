//! SQLx.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, LocalBoxFuture};
use sqlx::{Connection as _, PgConnection, PgPool};
use tenancy_core::TenantScope;
use tenancy_sqlx::postgres::{TenantConnection, TenantPool, TenantPoolBuilder, TenantTransaction};

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
            let mut connection = PgConnection::connect(&place.plain_url).await?;
            if in_transaction {
                sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
            }
            Box::new(Unscoped(connection, place.plain))
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
            PgPool::connect(&place.plain_url).await?,
            place.plain,
        )),
        Kind::Usual => Box::new(Usual {
            connection: PgConnection::connect(&place.plain_url).await?,
            statements: place.usual,
            setting: place.setting,
        }),
        Kind::Warm => Box::new(Scoped::new(place, 0).await?),
        // The one connection is kept ahead of need, bound to nobody.
        Kind::Cold => Box::new(Scoped::new(place, 1).await?),
    }))
}

pub(super) async fn crowd(place: &Place, connections: u32) -> Result<Arc<dyn Crowd>, Failed> {
    let pool = builder(place)
        .max_connections(connections)
        .connect()
        .await?;
    let select = place.scoped.select;
    Ok(Arc::new(Shared { pool, select }))
}

async fn pool(place: &Place, reserve: u32) -> Result<TenantPool, Failed> {
    let builder = builder(place).max_connections(1).reserve(reserve);
    Ok(builder.connect().await?)
}

fn builder(place: &Place) -> TenantPoolBuilder {
    place.settle(TenantPool::builder(&place.runtime_url))
}

async fn run(
    connection: &mut PgConnection,
    statements: Statements,
    case: Case,
    row: i64,
) -> Result<(), Failed> {
    match case {
        Case::Select | Case::SelectInTransaction => {
            let select = sqlx::query_as::<_, (String,)>(statements.select).bind(row);
            select.fetch_one(connection).await?;
        }
        Case::Insert => {
            let insert = sqlx::query(statements.insert).bind(row).bind("a title");
            insert.execute(connection).await?;
        }
        Case::Ten => {
            for row in row..row + TEN {
                let select = sqlx::query_as::<_, (String,)>(statements.select).bind(row);
                select.fetch_one(&mut *connection).await?;
            }
        }
        Case::Range => {
            let range = sqlx::query_as::<_, (i64, String)>(statements.range);
            let range = range.bind(row).bind(row + RANGE - 1);
            range.fetch_all(connection).await?;
        }
    }
    Ok(())
}

struct Unscoped(PgConnection, Statements);

impl Way for Unscoped {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        run(&mut self.0, self.1, case, row).boxed_local()
    }
}

struct Bound(TenantConnection<'static>, Statements);

impl Way for Bound {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        run(&mut self.0, self.1, case, row).boxed_local()
    }
}

struct BoundTransaction(TenantTransaction<'static>, Statements);

impl Way for BoundTransaction {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        run(&mut self.0, self.1, case, row).boxed_local()
    }
}

struct Usual {
    connection: PgConnection,
    statements: Statements,
    setting: Option<Setting>,
}

impl Way for Usual {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            let mut transaction = self.connection.begin().await?;
            if let Some(Setting { sql, value }) = self.setting {
                let set = sqlx::query(sql).bind(value);
                set.execute(&mut *transaction).await?;
            }
            run(&mut transaction, self.statements, case, row).await?;
            Ok(transaction.commit().await?)
        }
        .boxed_local()
    }
}

struct Pooled(PgPool, Statements);

impl Way for Pooled {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            let mut connection = self.0.acquire().await?;
            run(&mut connection, self.1, case, row).await
        }
        .boxed_local()
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
            let mut connection = self.pool.acquire(&self.scope).await?;
            run(&mut connection, self.statements, case, row).await
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
            let mut connection = self.pool.acquire(scope).await?;
            let select = sqlx::query_as::<_, (String,)>(self.select).bind(row);
            select.fetch_one(&mut *connection).await?;
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
            let mut connection = self.pool.acquire(scope).await?;
            let sleep = sqlx::query("SELECT pg_sleep($1)").bind(long.as_secs_f64());
            sleep.execute(&mut *connection).await?;
            Ok(())
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.pool.close().boxed()
    }
}
