//! Rows that outlive the function that asked for them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Execute, Executor as _, FromRow};
use tenancy_core::TenantScope;
use tokio::sync::mpsc;

use super::tenant_pool::TenantPool;
use crate::Error;

/// The rows of one statement, with the connection that they come from: for a response body.
///
/// It owns what it needs, so it may leave the handler. The connection is the tenant's until the last
/// row, or until this is dropped, and goes back to the pool then.
pub struct RowStream {
    reader: Option<BoxFuture<'static, Result<(), Error>>>,
    rows: mpsc::Receiver<PgRow>,
    failed: Option<Error>,
}

impl TenantPool {
    /// Checks a connection out for `query`, and streams its rows as they are asked for.
    ///
    /// ```no_run
    /// # use futures_util::TryStreamExt;
    /// # use tenancy_core::TenantScope;
    /// # use tenancy_sqlx::postgres::TenantPool;
    /// # async fn example(pool: TenantPool, scope: &TenantScope) -> Result<(), tenancy_sqlx::Error> {
    /// let rows = pool.stream(scope.ticket(), sqlx::query("SELECT title FROM notes")).await?;
    /// let titles: Vec<(String,)> = rows.typed().try_collect().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire). What the statement fails with comes in the stream, as
    /// [`Error::Statement`].
    pub async fn stream<Q>(&self, scope: TenantScope, query: Q) -> Result<RowStream, Error>
    where
        Q: Execute<'static, Postgres> + 'static,
    {
        let mut connection = self.acquire_owned(scope).await?;
        // One row ahead: what is not asked for is not read.
        let (sender, rows) = mpsc::channel(1);
        let reader = async move {
            let mut found = (&mut *connection).fetch(query);
            while let Some(row) = found.try_next().await? {
                if sender.send(row).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        Ok(RowStream {
            reader: Some(Box::pin(reader)),
            rows,
            failed: None,
        })
    }
}

impl RowStream {
    /// Each row as a `T`.
    pub fn typed<T>(self) -> impl Stream<Item = Result<T, Error>> + Send + 'static
    where
        T: for<'r> FromRow<'r, PgRow> + Send + 'static,
    {
        self.map(|row| T::from_row(&row?).map_err(Error::from))
    }
}

impl Stream for RowStream {
    type Item = Result<PgRow, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(reader) = &mut self.reader
            && let Poll::Ready(ended) = reader.as_mut().poll(context)
        {
            self.reader = None;
            self.failed = ended.err();
        }
        // The reader holds the sender, so this ends when the reader has.
        match self.rows.poll_recv(context) {
            Poll::Ready(Some(row)) => Poll::Ready(Some(Ok(row))),
            Poll::Ready(None) => Poll::Ready(self.failed.take().map(Err)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}
