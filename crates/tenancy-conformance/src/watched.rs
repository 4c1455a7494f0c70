//! A session under the oracle's eyes: every answer and every error is looked through for the
//! other tenant's rows.

use tenancy_core::BoxError;

use crate::place::unqualified;
use crate::side::Side;
use crate::tier::Tier;
use crate::verdict::{Stop, Verdict, ensure};
use crate::{Row, Session, SqlError, TransactionSession};

pub(crate) struct Watched<'a, S: ?Sized> {
    session: Box<S>,
    foreign: &'a Side,
    tier: Tier,
}

pub(crate) type WatchedSession<'a> = Watched<'a, dyn Session + 'a>;
pub(crate) type WatchedTransaction<'a> = Watched<'a, dyn TransactionSession + 'a>;

impl<'a, S: Session + ?Sized> Watched<'a, S> {
    pub(crate) fn new(session: Box<S>, foreign: &'a Side, tier: Tier) -> Self {
        Self {
            session,
            foreign,
            tier,
        }
    }

    /// A case's statement as an application writes it here.
    pub(crate) fn written(&self, sql: &str) -> String {
        if self.tier.is_walled() {
            sql.to_owned()
        } else {
            unqualified(sql)
        }
    }

    /// Sends one simple message that may be refused. A foreign row in the answer fails the case.
    pub(crate) async fn attempt(&mut self, sql: &str) -> Verdict<Result<Vec<Row>, SqlError>> {
        let sql = self.written(sql);
        self.before().await;
        let answer = self.session.simple(&sql).await;
        self.after(answer.is_err()).await;
        self.looked_through(&sql, answer)
    }

    /// The same by the extended protocol.
    pub(crate) async fn attempt_prepared(
        &mut self,
        sql: &str,
        params: &[&str],
    ) -> Verdict<Result<Vec<Row>, SqlError>> {
        let sql = self.written(sql);
        self.before().await;
        let answer = self.session.prepared(&sql, params).await;
        self.after(answer.is_err()).await;
        self.looked_through(&sql, answer)
    }

    /// Where a checkout is one transaction, what is refused must not spoil what comes after it.
    async fn before(&mut self) {
        if self.tier.is_pooled() {
            // Refused where the case itself ended the transaction.
            let _ = self.session.simple("SAVEPOINT conformance").await;
        }
    }

    async fn after(&mut self, refused: bool) {
        if self.tier.is_pooled() && refused {
            let _ = self
                .session
                .simple("ROLLBACK TO SAVEPOINT conformance")
                .await;
        }
    }

    /// Sends what holds a foreign row already, so that only the answer's rows are looked through.
    pub(crate) async fn attempt_blind(&mut self, sql: &str) -> Result<Vec<Row>, SqlError> {
        let sql = self.written(sql);
        self.session.simple(&sql).await
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

    /// Runs `COPY .. TO STDOUT` to its end, for its lines. `None` from a driver that has none.
    pub(crate) async fn copy_out(&mut self, sql: &str) -> Option<Result<Vec<String>, SqlError>> {
        let sql = self.written(sql);
        match self.session.copy_out(&sql) {
            Some(copy) => Some(copy.await),
            None => None,
        }
    }

    /// Gives `COPY .. TO STDOUT` up after its first piece.
    pub(crate) async fn copy_out_half(&mut self, sql: &str) -> Option<Result<(), SqlError>> {
        let sql = self.written(sql);
        match self.session.copy_out_half(&sql) {
            Some(copy) => Some(copy.await),
            None => None,
        }
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
