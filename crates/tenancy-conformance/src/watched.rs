//! A session under the oracle's eyes: every answer and every error is looked through for the
//! other tenant's rows.

use tenancy_core::BoxError;

use crate::side::Side;
use crate::verdict::{Stop, Verdict, ensure};
use crate::{Row, Session, SqlError, TransactionSession};

pub(crate) struct Watched<'a, S: ?Sized> {
    session: Box<S>,
    foreign: &'a Side,
}

pub(crate) type WatchedSession<'a> = Watched<'a, dyn Session + 'a>;
pub(crate) type WatchedTransaction<'a> = Watched<'a, dyn TransactionSession + 'a>;

impl<'a, S: Session + ?Sized> Watched<'a, S> {
    pub(crate) fn new(session: Box<S>, foreign: &'a Side) -> Self {
        Self { session, foreign }
    }

    /// Sends one simple message that may be refused. A foreign row in the answer fails the case.
    pub(crate) async fn attempt(&mut self, sql: &str) -> Verdict<Result<Vec<Row>, SqlError>> {
        let answer = self.session.simple(sql).await;
        self.looked_through(sql, answer)
    }

    /// The same by the extended protocol.
    pub(crate) async fn attempt_prepared(
        &mut self,
        sql: &str,
        params: &[&str],
    ) -> Verdict<Result<Vec<Row>, SqlError>> {
        let answer = self.session.prepared(sql, params).await;
        self.looked_through(sql, answer)
    }

    /// Sends what holds a foreign row already, so that only the answer's rows are looked through.
    pub(crate) async fn attempt_blind(&mut self, sql: &str) -> Result<Vec<Row>, SqlError> {
        self.session.simple(sql).await
    }

    /// One simple message that must be answered.
    pub(crate) async fn rows(&mut self, sql: &str) -> Verdict<Vec<Row>> {
        self.attempt(sql)
            .await?
            .map_err(|error| said_no(sql, &error))
    }

    /// One prepared statement that must be answered.
    pub(crate) async fn prepared(&mut self, sql: &str, params: &[&str]) -> Verdict<Vec<Row>> {
        self.attempt_prepared(sql, params)
            .await?
            .map_err(|error| said_no(sql, &error))
    }

    /// The first value of the first row, empty where there is none.
    pub(crate) async fn value(&mut self, sql: &str) -> Verdict<String> {
        let first = self.rows(sql).await?.into_iter().next();
        Ok(first
            .and_then(|row| row.into_iter().next().flatten())
            .unwrap_or_default())
    }

    /// One simple message that must be refused.
    pub(crate) async fn refused(&mut self, sql: &str) -> Verdict<SqlError> {
        match self.attempt(sql).await? {
            Ok(_) => Err(Stop::failed(format!("was not refused: {sql}"))),
            Err(error) => Ok(error),
        }
    }

    /// One simple message that must be refused with one of these codes.
    pub(crate) async fn refused_as(&mut self, sql: &str, codes: &[&str]) -> Verdict {
        let error = self.refused(sql).await?;
        ensure!(
            codes.iter().any(|code| error.is(code)),
            "was refused with {:?} ({error}) and not with {codes:?}: {sql}",
            error.code
        );
        Ok(())
    }

    /// The server process behind this session.
    pub(crate) async fn pid(&mut self) -> Verdict<String> {
        self.value("SELECT pg_catalog.pg_backend_pid()").await
    }

    /// The driver's own session, for what only it can do.
    pub(crate) fn inner(&mut self) -> &mut S {
        &mut self.session
    }

    /// Looks through lines that came another way.
    pub(crate) fn look_through(&self, what: &str, lines: &[String]) -> Verdict {
        match lines.iter().find(|line| self.foreign.owns(line)) {
            Some(_) => Err(Stop::failed(format!(
                "the other tenant's row came back: {what}"
            ))),
            None => Ok(()),
        }
    }

    fn looked_through(
        &self,
        sql: &str,
        answer: Result<Vec<Row>, SqlError>,
    ) -> Verdict<Result<Vec<Row>, SqlError>> {
        let foreign = match &answer {
            Ok(rows) => rows
                .iter()
                .flatten()
                .flatten()
                .any(|value| self.foreign.owns(value)),
            Err(error) => error.message.contains(&self.foreign.mark),
        };
        ensure!(!foreign, "the other tenant's row came back: {sql}");
        Ok(answer)
    }
}

impl WatchedTransaction<'_> {
    pub(crate) async fn commit(self) -> Verdict<Result<(), BoxError>> {
        Ok(self.session.commit().await)
    }

    pub(crate) async fn rollback(self) -> Verdict<Result<(), BoxError>> {
        Ok(self.session.rollback().await)
    }
}

fn said_no(sql: &str, error: &SqlError) -> Stop {
    Stop::failed(format!(
        "was refused with {:?} ({error}): {sql}",
        error.code
    ))
}
