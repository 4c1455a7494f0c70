//! SQLx, as the pools use it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{
    AssertSqlSafe, Connection as _, Postgres, Row as _, SqlSafeStr as _, Transaction, ValueRef as _,
};
use tenancy_postgres_pool::{
    Adapter, Begins, Central, Checkout, Connect, Driver, Fault, Prepared, Row, Tenants,
};
use tokio::runtime::Handle;

use super::slot::Connection;
use super::{CentralPool, TenantPool};
use crate::Error;

/// The driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sqlx;

impl Driver for Sqlx {
    type Options = PgConnectOptions;
    type Connection = Connection;
    type Error = sqlx::Error;

    fn parse(&self, url: &str) -> Result<PgConnectOptions, sqlx::Error> {
        url.parse()
    }

    fn user(&self, options: &PgConnectOptions) -> Option<String> {
        Some(options.get_username().to_owned())
    }

    async fn connect(
        &self,
        options: &PgConnectOptions,
        how: &Connect,
    ) -> Result<Connection, sqlx::Error> {
        Connection::connect(settled(options, how)).await
    }

    async fn message(
        &self,
        connection: &mut Connection,
        sql: String,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let rows = message(connection.in_hand()?, sql).await?;
        connection.answered();
        Ok(rows)
    }

    async fn settled(&self, connection: &mut Connection) -> bool {
        connection.back().await
    }

    fn prepared_statements(&self, connection: &Connection) -> Prepared {
        Prepared::All(connection.cached_statements_size())
    }

    fn is_in_transaction(&self, connection: &Connection) -> bool {
        connection.is_in_transaction()
    }

    fn is_alive(&self, _connection: &Connection) -> bool {
        true // it does not say
    }

    fn can_cancel(&self) -> bool {
        false // it keeps the key for that to itself
    }

    async fn close(&self, connection: Connection, may_be_at_work: bool) {
        connection.close(may_be_at_work).await;
    }

    fn fault(&self, error: &sqlx::Error) -> Fault {
        let code = error
            .as_database_error()
            .and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        Fault {
            lost: match &code {
                Some(code) => Fault::code_is_lost(code),
                None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_)),
            },
            code,
            kind: crate::error::kind(error),
        }
    }
}

impl Adapter for Sqlx {
    type TenantPool = TenantPool;
    type CentralPool = CentralPool;
    type AdapterError = Error;

    fn tenant_pool(tenants: Tenants<Self>) -> TenantPool {
        TenantPool::over(tenants)
    }

    fn central_pool(central: Central<Self>) -> CentralPool {
        CentralPool::over(central)
    }
}

/// The options of a connection: those of the URL, with ours over them.
pub(super) fn settled(options: &PgConnectOptions, how: &Connect) -> PgConnectOptions {
    let mut options = options
        .clone()
        .application_name(&how.application_name)
        .statement_cache_capacity(how.statement_cache_capacity);
    if let Some(database) = &how.database {
        options = options.database(database);
    }
    if let Some((user, password)) = &how.login {
        options = options.username(user).password(password.expose_secret());
    }
    if how.options.is_empty() {
        // A transaction pooler refuses what it does not know.
        return options.extra_float_digits(None);
    }
    options.options(how.options.iter().map(|(name, value)| (name, value)))
}

/// Begins SQLx's own transactions.
#[derive(Debug)]
pub(super) struct SqlxBegins;

/// SQLx's transaction, and the checkout that its connection goes back to.
pub(super) type Begun = (Transaction<'static, Postgres>, Checkout<Sqlx>);

impl Begins<Sqlx> for SqlxBegins {
    type Transaction = Begun;

    async fn begin(&self, mut checkout: Checkout<Sqlx>, sql: String) -> Result<Begun, sqlx::Error> {
        let sql = AssertSqlSafe(sql).into_sql_str();
        let begin = InRuntime {
            future: Some(Transaction::begin(checkout.lend()?, Some(sql))),
            runtime: checkout.runtime().clone(),
        };
        let transaction = begin.await?;
        checkout.opened();
        Ok((transaction, checkout))
    }
}

/// SQLx spawns a connection's way back, also when a future is dropped outside a runtime.
struct InRuntime<'a, T> {
    future: Option<BoxFuture<'a, T>>,
    runtime: Handle,
}

impl<T> Future for InRuntime<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut self.future {
            Some(future) => future.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for InRuntime<'_, T> {
    fn drop(&mut self) {
        let _entered = self.runtime.enter();
        drop(self.future.take());
    }
}

/// Sends `sql` as one simple message, and reads its answer to the end.
pub(super) async fn message(
    connection: &mut PgConnection,
    sql: String,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .iter()
        .map(|row| (0..row.len()).map(|column| text(row, column)).collect())
        .collect())
}

/// A column in text form. `None` where it is NULL, or is no text.
fn text(row: &PgRow, column: usize) -> Option<String> {
    let value = row
        .try_get_raw(column)
        .ok()
        .filter(|value| !value.is_null())?;
    value.as_str().ok().map(str::to_owned)
}
