//! The reference adapter's sessions: tokio-postgres, seen as the suite wants it.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _, pin_mut};
use tenancy_conformance::{Row, Session, SqlError, TransactionSession};
use tenancy_core::BoxError;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::ToSql;

use super::Checkout;

impl Session for Checkout {
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        async move {
            self.busy = true;
            let answer = self.connection()?.client.simple_query(sql).await;
            self.busy = false;
            Ok(rows(&answer.map_err(|error| sql_error(&error))?))
        }
        .boxed()
    }

    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        async move {
            self.busy = true;
            let connection = self.connection()?;
            let statement = connection
                .statement(sql)
                .await
                .map_err(|error| sql_error(&error))?;
            let params: Vec<_> = params
                .iter()
                .map(|param| param as &(dyn ToSql + Sync))
                .collect();
            let answer = connection.client.query(&statement, &params).await;
            self.busy = false;
            let answer = answer.map_err(|error| sql_error(&error))?;
            Ok(answer
                .iter()
                .map(|row| (0..row.len()).map(|at| row.get(at)).collect())
                .collect())
        }
        .boxed()
    }

    fn copy_out_half<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<(), SqlError>>> {
        let half = async move {
            self.busy = true;
            let stream = self
                .connection()?
                .client
                .copy_out(sql)
                .await
                .map_err(|error| sql_error(&error))?;
            pin_mut!(stream);
            stream
                .try_next()
                .await
                .map(drop)
                .map_err(|error| sql_error(&error))
        };
        Some(half.boxed())
    }

    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<Vec<String>, SqlError>>> {
        let whole = async move {
            let stream = self
                .connection()?
                .client
                .copy_out(sql)
                .await
                .map_err(|error| sql_error(&error))?;
            let pieces: Vec<_> = stream
                .try_collect()
                .await
                .map_err(|error| sql_error(&error))?;
            Ok(pieces
                .iter()
                .map(|piece| String::from_utf8_lossy(piece).into_owned())
                .collect())
        };
        Some(whole.boxed())
    }
}

impl TransactionSession for Checkout {
    fn commit<'a>(mut self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a,
    {
        async move { Ok(self.simple("COMMIT").await.map(drop)?) }.boxed()
    }

    fn rollback<'a>(mut self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a,
    {
        async move { Ok(self.simple("ROLLBACK").await.map(drop)?) }.boxed()
    }
}

pub(super) fn rows(messages: &[SimpleQueryMessage]) -> Vec<Row> {
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|at| row.get(at).map(str::to_owned))
                .collect(),
        ),
        _ => None,
    };
    messages.iter().filter_map(row).collect()
}

pub(super) fn sql_error(error: &tokio_postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(db) => SqlError {
            code: Some(db.code().code().to_owned()),
            message: format!("{} {}", db.message(), db.detail().unwrap_or_default()),
        },
        None => SqlError::without_code(error),
    }
}
