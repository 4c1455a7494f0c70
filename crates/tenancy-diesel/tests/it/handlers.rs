//! Futures that frameworks and runtimes ask to be `Send`.

use std::future::Future;

use diesel::prelude::*;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};
use tenancy_core::TenantScope;
use tenancy_diesel::{Error, TenantPool};

use super::stage::{ACME, Stage, each};
use super::tables::notes;

/// As axum asks of its handlers.
trait Handler<A> {
    type Future: Future<Output = Result<usize, Error>> + Send + 'static;

    fn call(self, argument: A) -> Self::Future;
}

impl<A, F, Fut> Handler<A> for F
where
    F: FnOnce(A) -> Fut,
    Fut: Future<Output = Result<usize, Error>> + Send + 'static,
{
    type Future = Fut;

    fn call(self, argument: A) -> Fut {
        self(argument)
    }
}

async fn handler((pool, scope): (TenantPool, TenantScope)) -> Result<usize, Error> {
    let title = String::from("handled");
    pool.transaction(&scope, async |tx| -> Result<usize, Error> {
        let renamed = rename(tx, &title).await?;
        // Diesel's own, a savepoint here.
        let taken_back = tx
            .transaction(async |tx: &mut AsyncPgConnection| {
                rename(tx, "taken back").await?;
                Err::<(), _>(diesel::result::Error::RollbackTransaction)
            })
            .await;
        assert!(taken_back.is_err());
        Ok(renamed)
    })
    .await
}

/// As it was written before there were tenants.
async fn rename(conn: &mut AsyncPgConnection, title: &str) -> QueryResult<usize> {
    diesel::update(notes::table)
        .set(notes::title.eq(title))
        .execute(conn)
        .await
}

#[tokio::test]
async fn a_transaction_runs_in_a_handler_and_in_a_task() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let acme = stage.scope(ACME).await;
        let ticket = || (pool.clone(), acme.scope.ticket());
        let handled = Handler::call(handler, ticket());
        assert_eq!(handled.await.unwrap(), 3);
        assert_eq!(stage.titles(ACME).await, ["handled"; 3]);
        let boxed: Box<dyn Future<Output = _> + Send> = Box::new(handler(ticket()));
        assert_eq!(
            tokio::spawn(Box::into_pin(boxed)).await.unwrap().unwrap(),
            3
        );
    })
    .await;
}
