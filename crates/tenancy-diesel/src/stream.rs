//! Rows that outlive the function that asked for them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use diesel::deserialize::FromSqlRow;
use diesel::expression::QueryMetadata;
use diesel::pg::Pg;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::query_dsl::CompatibleType;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnectionCore as _, AsyncPgConnection};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;
use tenancy_core::TenantScope;

use crate::{Error, TenantConnection, TenantPool};

/// The rows of one query, with the connection that they come from: for a response body.
///
/// It owns what it needs, so it may leave the handler. The connection is the tenant's until the last
/// row, or until this is dropped, and goes back to the pool then.
pub struct TenantRows<U> {
    rows: BoxStream<'static, Result<U, DieselError>>,
    connection: Option<TenantConnection<'static>>,
}

impl TenantPool {
    /// Runs one query in the scope, and streams its rows.
    ///
    /// # Errors
    /// As [`load_in`](Self::load_in). What fails later comes in the stream.
    pub async fn stream<U, Q, S>(
        &self,
        scope: TenantScope,
        query: Q,
    ) -> Result<TenantRows<U>, Error>
    where
        Q: AsQuery + Send,
        Q::Query: QueryFragment<Pg> + QueryId + Send,
        Q::SqlType: CompatibleType<U, Pg, SqlType = S>,
        U: FromSqlRow<S, Pg> + Send + 'static,
        Pg: QueryMetadata<Q::SqlType>,
        S: 'static,
    {
        let mut connection = self.acquire_owned(scope).await?;
        let conn: &mut AsyncPgConnection = &mut connection;
        let rows = conn.load(query).await?;
        let rows = rows
            .map(|row| U::build_from_row(&row?).map_err(DieselError::DeserializationError))
            .boxed();
        Ok(TenantRows {
            rows,
            connection: Some(connection),
        })
    }
}

impl<U> Stream for TenantRows<U> {
    type Item = Result<U, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.rows.poll_next_unpin(context);
        if matches!(next, Poll::Ready(None)) {
            self.connection = None;
        }
        next.map(|row| row.map(|row| row.map_err(Error::from)))
    }
}

impl<U> fmt::Debug for TenantRows<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRows").finish_non_exhaustive()
    }
}
