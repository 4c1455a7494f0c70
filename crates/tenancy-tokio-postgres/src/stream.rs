//! Rows that outlive the function that asked for them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tenancy_core::TenantScope;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};

use crate::{Error, TenantClient, TenantPool};

/// The rows of one statement, with the connection that they come from: for a response body.
///
/// It owns what it needs, so it may leave the handler. The connection is the tenant's until the last
/// row, or until this is dropped, and goes back to the pool then.
pub struct TenantRows {
    rows: Pin<Box<RowStream>>,
    client: Option<TenantClient<'static>>,
}

impl TenantPool {
    /// Runs one statement in the scope, and streams its rows.
    ///
    /// # Errors
    /// As [`query`](Self::query). What fails later comes in the stream.
    pub async fn stream(
        &self,
        scope: TenantScope,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<TenantRows, Error> {
        let client = self.acquire_owned(scope).await?;
        let statement = client.prepare_cached(sql).await?;
        let rows = client
            .query_raw(&statement, parameters.iter().copied())
            .await?;
        Ok(TenantRows {
            rows: Box::pin(rows),
            client: Some(client),
        })
    }
}

impl Stream for TenantRows {
    type Item = Result<Row, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.rows.as_mut().poll_next(context);
        if matches!(next, Poll::Ready(None)) {
            self.client = None;
        }
        next.map(|row| row.map(|row| row.map_err(Error::from)))
    }
}

impl fmt::Debug for TenantRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRows").finish_non_exhaustive()
    }
}
