//! One checked-out connection, as the suite talks to it.

use std::fmt;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tenancy_core::BoxError;

/// A row of a result, every column as text.
pub type Row = Vec<Option<String>>;

/// Rows one by one, from a stream that owns its connection.
pub type RowStream = BoxStream<'static, Result<Row, SqlError>>;

/// What the server, or the driver, said no with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// The SQLSTATE, where the server sent one.
    pub code: Option<String>,
    /// The message, with detail and hint where there are any: the suite looks for foreign rows in
    /// it.
    pub message: String,
}

impl SqlError {
    /// Whether the server refused with this SQLSTATE.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// An error of the driver or the adapter, without an SQLSTATE.
    pub fn without_code(error: impl fmt::Display) -> Self {
        Self {
            code: None,
            message: error.to_string(),
        }
    }
}

/// A connection that is bound to a scope.
pub trait Session: Send {
    /// Sends `sql` as **one** message of the simple protocol. It may hold several statements; the
    /// rows of all of them come back, in order.
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>>;

    /// Runs one statement by the extended protocol, through the driver's own statement cache.
    /// The suite writes every parameter as `$n::text` and every result as `::text`.
    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>>;

    /// Starts `COPY .. TO STDOUT`, reads the first piece, and gives the stream up. `None` from a
    /// driver that has no such thing.
    fn copy_out_half<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<(), SqlError>>> {
        let _ = sql;
        None
    }

    /// Runs `COPY .. TO STDOUT` to its end, for its lines. `None` as above.
    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<Vec<String>, SqlError>>> {
        let _ = sql;
        None
    }
}

/// A transaction that is bound to a scope.
pub trait TransactionSession: Session {
    /// Commits.
    fn commit<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a;

    /// Rolls back.
    fn rollback<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a;
}

/// What happens inside a closure's transaction.
#[derive(Debug, Clone)]
pub struct Body {
    statements: Vec<String>,
    ending: BodyEnding,
}

/// How a closure ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEnding {
    Ok,
    Err,
    Panic,
}

/// The error that a [`Body`] ends with when it is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the closure failed on purpose")]
pub struct BodyFailed;

impl Body {
    pub(crate) fn new(statements: &[&str], ending: BodyEnding) -> Self {
        Self {
            statements: statements.iter().map(|sql| (*sql).to_owned()).collect(),
            ending,
        }
    }

    /// The same, with every statement as `write` gives it.
    pub(crate) fn written(&self, write: impl Fn(&str) -> String) -> Self {
        Self {
            statements: self.statements.iter().map(|sql| write(sql)).collect(),
            ending: self.ending,
        }
    }

    /// Runs the statements on the closure's connection, then ends as it is told: with their rows,
    /// with [`BodyFailed`], or with a panic that must come out of
    /// [`Harness::transaction`](crate::Harness::transaction).
    ///
    /// # Errors
    /// The first statement's error, or [`BodyFailed`].
    pub async fn run(&self, session: &mut dyn Session) -> Result<Vec<Row>, BoxError> {
        let mut rows = Vec::new();
        for sql in &self.statements {
            rows.extend(session.simple(sql).await?);
        }
        match self.ending {
            BodyEnding::Ok => Ok(rows),
            BodyEnding::Err => Err(BodyFailed.into()),
            // Not `panic!`: the hook would print a backtrace into a report that is otherwise clean.
            BodyEnding::Panic => std::panic::resume_unwind(Box::new(BodyFailed)),
        }
    }
}
