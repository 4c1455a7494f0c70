//! tokio-postgres, with deadpool-postgres for its own pool.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, Pool};
use futures_util::future::{BoxFuture, FutureExt as _, LocalBoxFuture};
use tenancy_core::TenantScope;
use tenancy_tokio_postgres::{
    TenantClient, TenantPool, TenantPoolBuilder, TenantTransaction, TokioPostgres,
};
use tokio_postgres::{Client, NoTls, Statement};

use super::{Crowd, Kind, Way};
use crate::Failed;
use crate::case::{Case, RANGE, Statements, TEN};
use crate::place::Place;

pub(super) async fn way(
    kind: Kind,
    case: Case,
    place: &Place,
) -> Result<Option<Box<dyn Way>>, Failed> {
    let in_transaction = case == Case::SelectInTransaction;
    Ok(Some(match kind {
        Kind::Unscoped => {
            let client = connect(&place.plain_url).await?;
            let prepared = Prepared::on(&client, &place.plain).await?;
            if in_transaction {
                client.batch_execute("BEGIN").await?;
            }
            Box::new(Unscoped { client, prepared })
        }
        Kind::Bound if in_transaction => {
            let pool = pool(place, 0).await?;
            let transaction = pool.begin_owned(place.scope.ticket()).await?;
            let prepared = Prepared::on(&transaction, &place.scoped).await?;
            Box::new(BoundTransaction {
                transaction,
                prepared,
            })
        }
        _ if in_transaction => return Ok(None),
        Kind::Bound => {
            let client = pool(place, 0)
                .await?
                .acquire_owned(place.scope.ticket())
                .await?;
            let prepared = Prepared::on(&client, &place.scoped).await?;
            Box::new(Bound { client, prepared })
        }
        Kind::Pooled => {
            let manager = Manager::new(place.plain_url.parse()?, NoTls);
            let pool = Pool::builder(manager).build()?;
            let statements = place.plain;
            Box::new(Pooled { pool, statements })
        }
        Kind::Usual => {
            let client = connect(&place.plain_url).await?;
            let set = match place.setting {
                Some(setting) => Some((client.prepare(setting.sql).await?, setting.value)),
                None => None,
            };
            Box::new(Usual {
                set,
                prepared: Prepared::on(&client, &place.usual).await?,
                client,
            })
        }
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

async fn connect(url: &str) -> Result<Client, Failed> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn pool(place: &Place, reserve: u32) -> Result<TenantPool, Failed> {
    let builder = builder(place).max_connections(1).reserve(reserve);
    Ok(builder.connect().await?)
}

fn builder(place: &Place) -> TenantPoolBuilder<TokioPostgres> {
    place.settle(TenantPool::builder(&place.runtime_url))
}

/// The statements, prepared on one connection.
struct Prepared {
    select: Statement,
    insert: Statement,
    range: Statement,
}

impl Prepared {
    async fn on(client: &Client, statements: &Statements) -> Result<Self, Failed> {
        Ok(Self {
            select: client.prepare(statements.select).await?,
            insert: client.prepare(statements.insert).await?,
            range: client.prepare(statements.range).await?,
        })
    }

    async fn run(&self, client: &Client, case: Case, row: i64) -> Result<(), Failed> {
        match case {
            Case::Select | Case::SelectInTransaction => {
                client.query_one(&self.select, &[&row]).await?;
            }
            Case::Insert => {
                client.execute(&self.insert, &[&row, &"a title"]).await?;
            }
            Case::Ten => {
                for row in row..row + TEN {
                    client.query_one(&self.select, &[&row]).await?;
                }
            }
            Case::Range => {
                let rows = client
                    .query(&self.range, &[&row, &(row + RANGE - 1)])
                    .await?;
                debug_assert_eq!(rows.len(), 1_000);
            }
        }
        Ok(())
    }
}

struct Unscoped {
    client: Client,
    prepared: Prepared,
}

impl Way for Unscoped {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        self.prepared.run(&self.client, case, row).boxed_local()
    }
}

struct Bound {
    client: TenantClient<'static>,
    prepared: Prepared,
}

impl Way for Bound {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        self.prepared.run(&self.client, case, row).boxed_local()
    }
}

struct BoundTransaction {
    transaction: TenantTransaction<'static>,
    prepared: Prepared,
}

impl Way for BoundTransaction {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        self.prepared
            .run(&self.transaction, case, row)
            .boxed_local()
    }
}

struct Usual {
    client: Client,
    set: Option<(Statement, &'static str)>,
    prepared: Prepared,
}

impl Way for Usual {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            self.client.batch_execute("BEGIN").await?;
            if let Some((set, value)) = &self.set {
                self.client.query_one(set, &[value]).await?;
            }
            self.prepared.run(&self.client, case, row).await?;
            Ok(self.client.batch_execute("COMMIT").await?)
        }
        .boxed_local()
    }
}

struct Pooled {
    pool: Pool,
    statements: Statements,
}

impl Way for Pooled {
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>> {
        async move {
            let client = self.pool.get().await?;
            match case {
                Case::Select | Case::SelectInTransaction => {
                    let select = client.prepare_cached(self.statements.select).await?;
                    client.query_one(&select, &[&row]).await?;
                }
                Case::Insert => {
                    let insert = client.prepare_cached(self.statements.insert).await?;
                    client.execute(&insert, &[&row, &"a title"]).await?;
                }
                Case::Ten => {
                    for row in row..row + TEN {
                        let select = client.prepare_cached(self.statements.select).await?;
                        client.query_one(&select, &[&row]).await?;
                    }
                }
                Case::Range => {
                    let range = client.prepare_cached(self.statements.range).await?;
                    client.query(&range, &[&row, &(row + RANGE - 1)]).await?;
                }
            }
            Ok(())
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
        let Self {
            pool,
            scope,
            statements,
            ..
        } = self;
        async move {
            match case {
                Case::Select | Case::SelectInTransaction => {
                    pool.query_one(scope, statements.select, &[&row]).await?;
                }
                Case::Insert => {
                    pool.execute(scope, statements.insert, &[&row, &"a title"])
                        .await?;
                }
                Case::Ten => {
                    let client = pool.acquire(scope).await?;
                    for row in row..row + TEN {
                        let select = client.prepare_cached(statements.select).await?;
                        client.query_one(&select, &[&row]).await?;
                    }
                }
                Case::Range => {
                    let last = row + RANGE - 1;
                    pool.query(scope, statements.range, &[&row, &last]).await?;
                }
            }
            Ok(())
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
            self.pool.query_one(scope, self.select, &[&row]).await?;
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
            let seconds = long.as_secs_f64();
            self.pool
                .query_one(scope, "SELECT pg_sleep($1)", &[&seconds])
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.pool.close().boxed()
    }
}
