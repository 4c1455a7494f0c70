//! Diesel, through diesel-async.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Double, Text};
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
};
use futures_util::future::{BoxFuture, FutureExt as _, LocalBoxFuture};
use tenancy_core::TenantScope;
use tenancy_diesel::{Diesel, TenantConnection, TenantPool, TenantPoolBuilder, TenantTransaction};

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
            let mut connection = AsyncPgConnection::establish(&place.plain_url).await?;
            if in_transaction {
                connection.batch_execute("BEGIN").await?;
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
        Kind::Pooled => {
            let manager = AsyncDieselConnectionManager::new(&place.plain_url);
            Box::new(Pooled(Pool::builder(manager).build()?, place.plain))
        }
        Kind::Usual => Box::new(Usual {
            connection: AsyncPgConnection::establish(&place.plain_url).await?,
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

fn builder(place: &Place) -> TenantPoolBuilder<Diesel> {
    place.settle(TenantPool::builder(&place.runtime_url))
}

/// A statement that Diesel caches by its text, as it does with its DSL's; `sql_query` is prepared anew
/// each time.
#[derive(Clone, Copy)]
struct Sql<S> {
    text: &'static str,
    binds: [Bind; 2],
    answers: PhantomData<S>,
}

#[derive(Clone, Copy)]
enum Bind {
    None,
    Number(i64),
    Float(f64),
    Text(&'static str),
}

impl<S> Sql<S> {
    fn new(text: &'static str, binds: [Bind; 2]) -> Self {
        Self {
            text,
            binds,
            answers: PhantomData,
        }
    }
}

impl<S> QueryFragment<Pg> for Sql<S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for (at, piece) in self.text.split('$').enumerate() {
            if at == 0 {
                out.push_sql(piece);
                continue;
            }
            match binds.next().unwrap_or(&Bind::None) {
                Bind::None => {}
                Bind::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
                Bind::Float(number) => out.push_bind_param::<Double, _>(number)?,
                Bind::Text(text) => out.push_bind_param::<Text, _>(text)?,
            }
            // The parameter's number is one digit.
            out.push_sql(&piece[1..]);
        }
        Ok(())
    }
}

impl<S> QueryId for Sql<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S> Query for Sql<S> {
    type SqlType = S;
}

fn select(statements: Statements, row: i64) -> Sql<Text> {
    Sql::new(statements.select, [Bind::Number(row), Bind::None])
}

async fn run(
    connection: &mut AsyncPgConnection,
    statements: Statements,
    case: Case,
    row: i64,
) -> Result<(), Failed> {
    match case {
        Case::Select | Case::SelectInTransaction => {
            let _: String = select(statements, row).get_result(connection).await?;
        }
        Case::Insert => {
            let binds = [Bind::Number(row), Bind::Text("a title")];
            Sql::<()>::new(statements.insert, binds)
                .execute(connection)
                .await?;
        }
        Case::Ten => {
            for row in row..row + TEN {
                let _: String = select(statements, row).get_result(connection).await?;
            }
        }
        Case::Range => {
            let binds = [Bind::Number(row), Bind::Number(row + RANGE - 1)];
            let range = Sql::<(BigInt, Text)>::new(statements.range, binds);
            let _: Vec<(i64, String)> = range.load(connection).await?;
        }
    }
    Ok(())
}

struct Unscoped(AsyncPgConnection, Statements);

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
    connection: AsyncPgConnection,
    statements: Statements,
    setting: Option<Setting>,
}

impl Way for Usual {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            self.connection.batch_execute("BEGIN").await?;
            if let Some(Setting { sql, value }) = self.setting {
                let set = Sql::<Text>::new(sql, [Bind::Text(value), Bind::None]);
                let _: String = set.get_result(&mut self.connection).await?;
            }
            run(&mut self.connection, self.statements, case, row).await?;
            Ok(self.connection.batch_execute("COMMIT").await?)
        }
        .boxed_local()
    }
}

struct Pooled(Pool<AsyncPgConnection>, Statements);

impl Way for Pooled {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            let mut connection = self.0.get().await?;
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
            let select = Sql::<Text>::new(self.select, [Bind::Number(row), Bind::None]);
            let _: String = self.pool.get_result_in(scope, select).await?;
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
            let binds = [Bind::Float(long.as_secs_f64()), Bind::None];
            let sleep = Sql::<()>::new("SELECT pg_sleep($1)", binds);
            self.pool.execute_in(scope, sleep).await?;
            Ok(())
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.pool.close().boxed()
    }
}
