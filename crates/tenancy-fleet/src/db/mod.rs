//! The three databases behind one small surface: run and read on a connection.
//! Text and 64-bit numbers are the only types.

mod fault;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod said;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use fault::Fault;
pub(crate) use fault::{FaultKind, fault};
pub use said::ScriptFault;
pub(crate) use said::said;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // with one feature alone, two are never made
pub(crate) enum Kind {
    Postgres,
    Mysql,
    Sqlite,
}

/// A value for a statement.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

/// A value in a row.
#[derive(PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Int(i64),
}

pub(crate) type Row = Vec<Cell>;
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, sqlx::Error>>;

/// How far a script came.
#[allow(dead_code)] // PostgreSQL alone asks for marks
pub(crate) struct Came {
    /// How many of its statements were answered.
    pub(crate) count: usize,
    /// How many rows came of a column by the name that was looked for.
    pub(crate) marks: usize,
    /// How many statements were answered before the last of them.
    pub(crate) marked_at: usize,
    /// What stopped the statement behind them.
    pub(crate) end: Result<(), sqlx::Error>,
}

/// A connection, checked out of a pool or alone.
pub(crate) trait Lane: Send {
    /// Statements without values, in the simple protocol.
    fn raw(&mut self, sql: String) -> Answer<'_, ()>;
    /// The same, with the rows of all of them.
    fn raw_rows(&mut self, sql: String) -> Answer<'_, Vec<Row>>;
    /// Somebody's script, as one message, and the rows in it whose first column is called `mark`.
    fn script<'a>(&'a mut self, sql: Arc<str>, mark: &'a str) -> BoxFuture<'a, Came>;
    fn run<'a>(&'a mut self, sql: String, values: &'a [Value<'a>]) -> Answer<'a, u64>;
    fn rows<'a>(&'a mut self, sql: String, values: &'a [Value<'a>]) -> Answer<'a, Vec<Row>>;
    /// Has it closed instead of handed back.
    fn discard(&mut self);
}

/// `SQLx`'s traits, applied to one database: `bind` and `cells` are in its file.
macro_rules! lane {
    ($lane:ty, |$self:ident| $connection:expr, $discard:block) => {
        impl crate::db::Lane for $lane {
            fn raw(&mut $self, sql: String) -> crate::db::Answer<'_, ()> {
                Box::pin(async move {
                    use sqlx::Executor as _;
                    $connection
                        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)))
                        .await
                        .map(drop)
                })
            }

            fn raw_rows(&mut $self, sql: String) -> crate::db::Answer<'_, Vec<crate::db::Row>> {
                Box::pin(async move {
                    use sqlx::Executor as _;
                    let rows = $connection
                        .fetch_all(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)))
                        .await?;
                    rows.iter().map(cells).collect()
                })
            }

            fn script<'a>(
                &'a mut $self,
                sql: std::sync::Arc<str>,
                mark: &'a str,
            ) -> futures_util::future::BoxFuture<'a, crate::db::Came> {
                Box::pin(async move {
                    use futures_util::TryStreamExt as _;
                    use sqlx::{Column as _, Executor as _, Row as _};
                    let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
                    let mut answers = $connection.fetch_many(sql);
                    let (mut count, mut marks, mut marked_at) = (0, 0, 0);
                    let end = loop {
                        match answers.try_next().await {
                            Ok(Some(sqlx::Either::Left(_))) => count += 1,
                            Ok(Some(sqlx::Either::Right(row))) => {
                                let first = row.columns().first();
                                if first.is_some_and(|first| first.name() == mark) {
                                    marks += 1;
                                    marked_at = count;
                                }
                            }
                            Ok(None) => break Ok(()),
                            Err(error) => break Err(error),
                        }
                    };
                    crate::db::Came {
                        count,
                        marks,
                        marked_at,
                        end,
                    }
                })
            }

            fn run<'a>(
                &'a mut $self,
                sql: String,
                values: &'a [crate::db::Value<'a>],
            ) -> crate::db::Answer<'a, u64> {
                Box::pin(async move {
                    let query = values
                        .iter()
                        .fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
                    Ok(query.execute($connection).await?.rows_affected())
                })
            }

            fn rows<'a>(
                &'a mut $self,
                sql: String,
                values: &'a [crate::db::Value<'a>],
            ) -> crate::db::Answer<'a, Vec<crate::db::Row>> {
                Box::pin(async move {
                    let query = values
                        .iter()
                        .fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
                    let rows = query.fetch_all($connection).await?;
                    rows.iter().map(cells).collect()
                })
            }

            fn discard(&mut $self) $discard
        }
    };
}
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
use lane;
