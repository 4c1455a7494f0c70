//! Between two scopes: a connection is clean, or it is not used again.

use std::time::Duration;

use tenancy_postgres::scrub::{Nonce, ScrubAnswer};
use tenancy_postgres::seal::{Challenge, LEAVE};
use tokio::time::timeout;
use tokio_postgres::NoTls;

use super::{Connection, Fault, Pool, last_row};

impl Pool {
    /// Cleans a connection. `None`: it is not to be used again.
    pub(super) async fn clean(&self, mut connection: Connection, busy: bool) -> Option<Connection> {
        if busy && !self.is(Fault::NoCancel) {
            if self.way.is_pooled() {
                // PgBouncer 1.18.0 dies of a cancel whose client is gone by then. It closes its
                // server connection with the client's, which the server is asked to look for.
                return None;
            }
            // The driver does not wait for the cancel to arrive: it may hit the next scope's query,
            // so there is none on this connection.
            let _ = connection.client.cancel_token().cancel_query(NoTls).await;
            return None;
        }
        if self.way.is_pooled() {
            // What is left on the server connection, the pooler takes away.
            // But it keeps some settings for its client.
            let end = if self.is(Fault::CommitOnDrop) {
                "COMMIT"
            } else {
                "ROLLBACK"
            };
            let reset = if self.is(Fault::NoScrub) {
                ""
            } else {
                "; RESET ALL"
            };
            let sql = format!("{end}{reset}");
            connection.client.simple_query(&sql).await.ok()?;
            connection.statements.clear();
            return Some(connection);
        }
        let nonce = Nonce::random().ok()?;
        let mut sql = match self.fault {
            Some(Fault::NoScrub) => format!("ROLLBACK; {}", self.way.leave()),
            Some(Fault::ScrubWithout(statement)) => {
                let whole = self.way.scrub(&nonce);
                let (before, rest) = whole
                    .split_once(statement)
                    .expect("a statement of the scrub");
                let (_, after) = rest.split_once(';').unwrap_or(("", rest));
                format!("{before}{after}")
            }
            Some(Fault::ScopeRemembered) => {
                connection.client.simple_query("ROLLBACK").await.ok()?;
                return Some(connection);
            }
            Some(Fault::PathRemembered) => self.way.scrub(&nonce).replace("RESET ALL; ", ""),
            _ => self.way.scrub(&nonce),
        };
        if self.is(Fault::CommitOnDrop) {
            sql.insert_str(0, "COMMIT; ");
        }
        let patience = Duration::from_secs(if self.is(Fault::NoCancel) { 120 } else { 3 });
        let answer = timeout(patience, connection.client.simple_query(&sql))
            .await
            .ok()?;
        if matches!(
            self.fault,
            Some(Fault::NoScrub | Fault::ScrubUnread | Fault::EnterPrepared)
        ) {
            let row = match answer {
                Ok(rows) => last_row(&rows)?,
                Err(_) => last_row(
                    &connection
                        .client
                        .simple_query(self.way.leave())
                        .await
                        .ok()?,
                )?,
            };
            // The first word of a scrub's answer, or the whole one of `leave()`.
            let challenge = row[0].as_deref()?.split(' ').next()?;
            connection.challenge = Challenge::parse(challenge).ok()?;
            return Some(connection);
        }
        let row = last_row(&answer.ok()?)?;
        let row: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
        let answer = ScrubAnswer::read(&row, &nonce).ok()?;
        // Fewer than the driver knows of: SQL took some away.
        if answer.seen().prepared < connection.statements.len() as u64 {
            return None;
        }
        if !self.is(Fault::ChallengeKept) {
            connection.challenge = answer.into_challenge();
        }
        Some(connection)
    }

    /// With [`Fault::BeginForgotten`]: the next scope begins where this one was dropped.
    pub(super) async fn left_alone(&self, mut connection: Connection) -> Option<Connection> {
        if self.way.is_sealed() {
            let rows = connection.client.simple_query(LEAVE).await.ok()?;
            let row = last_row(&rows)?;
            connection.challenge = Challenge::parse(row[0].as_deref()?).ok()?;
        }
        Some(connection)
    }
}
