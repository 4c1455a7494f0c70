//! Rows, one after the other.

use std::fmt;
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sea_orm::{DbErr, FromQueryResult, QueryResult, Statement};
use sqlx::Executor as _;
use sqlx::postgres::PgConnection;
use tenancy_core::TenantScope;
use tokio::sync::mpsc;

use crate::error::unanswered;
use crate::statements::bound;
use crate::{Error, TenantPool};

/// The rows of one statement, as they are asked for.
///
/// Of a connection or a transaction, it has its turn until the last row, or until it is dropped. Of
/// [`TenantPool::stream`], it owns its connection, and may leave the handler.
pub struct RowStream<'a> {
    reader: Option<BoxFuture<'a, Result<(), DbErr>>>,
    rows: mpsc::Receiver<QueryResult>,
    failed: Option<DbErr>,
}

impl TenantPool {
    /// Checks a connection out for a statement, and streams its rows: for a response body. The
    /// connection is the tenant'a until the last row, and goes back to the pool then.
    ///
    /// ```no_run
    /// # use futures_util::TryStreamExt;
    /// # use sea_orm::{DbBackend, DbErr, Statement};
    /// # use tenancy_core::TenantScope;
    /// # use tenancy_sea_orm::TenantPool;
    /// # async fn example(pool: TenantPool, scope: &TenantScope) -> Result<(), DbErr> {
    /// // Or of a select: `Note::find().build(DbBackend::Postgres)`.
    /// let all = Statement::from_string(DbBackend::Postgres, "SELECT title FROM notes");
    /// let mut rows = pool.stream(scope.ticket(), all).await?;
    /// while let Some(row) = rows.try_next().await? {
    ///     let _title: String = row.try_get("", "title")?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire). What the statement fails with comes in the stream.
    pub async fn stream(
        &self,
        scope: TenantScope,
        statement: Statement,
    ) -> Result<RowStream<'static>, Error> {
        let connection = self.as_sqlx().acquire_owned(scope).await?;
        Ok(RowStream::over(connection, statement))
    }
}

impl<'a> RowStream<'a> {
    pub(crate) fn over(
        mut connection: impl DerefMut<Target = PgConnection> + Send + 'a,
        statement: Statement,
    ) -> Self {
        // One row ahead: what is not asked for is not read.
        let (sender, rows) = mpsc::channel(1);
        let reader = async move {
            let mut found = connection.fetch(bound(&statement));
            while let Some(row) = found.try_next().await.map_err(unanswered)? {
                if sender.send(QueryResult::from(row)).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        Self {
            reader: Some(Box::pin(reader)),
            rows,
            failed: None,
        }
    }

    /// Each row as a model, or whatever can be read from one.
    pub fn typed<M>(self) -> impl Stream<Item = Result<M, DbErr>> + Send + 'a
    where
        M: FromQueryResult + Send + 'a,
    {
        self.map(|row| M::from_query_result(&row?, ""))
    }
}

impl Stream for RowStream<'_> {
    type Item = Result<QueryResult, DbErr>;

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

impl fmt::Debug for RowStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}
