//! Cleans a connection, and believes only an answer to this very scrub.

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};
use tenancy_postgres::scrub::{Nonce, ScrubAnswer, scrub_sql};
use tenancy_postgres::seal::Challenge;

use super::wire::{message, text};

/// The backend behind a connection: tells one connection from another that took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backend(i32);

/// What a scrub ends, besides what was left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// A tenant's scope.
    Scope,
    /// The central role has none, and may not run `leave()`.
    Nothing,
}

impl Ends {
    fn sql(self, nonce: &Nonce) -> String {
        let sql = scrub_sql(nonce);
        match self {
            Self::Scope => sql,
            Self::Nothing => sql.replace("tenancy.leave()", NO_CHALLENGE),
        }
    }
}

/// Opens nothing: no `leave()` gave it.
const NO_CHALLENGE: &str = "pg_catalog.repeat('0', 32)";

/// Why a connection is not used again. The words go to the log, and hold nothing of the server's.
#[derive(Debug)]
pub(super) enum Suspicion {
    Driver(sqlx::Error),
    Answer(tenancy_postgres::Error),
    NoAnswer,
    AnotherBackend,
    Statements,
    OpenTransaction,
}

impl Suspicion {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Driver(_) => "the scrub failed",
            Self::Answer(_) => "the scrub's answer can't be trusted",
            Self::NoAnswer => "the scrub was not answered",
            Self::AnotherBackend => "another connection stands in its place",
            Self::Statements => "its prepared statements are not the driver's",
            Self::OpenTransaction => "the driver believes that a transaction is open",
        }
    }
}

impl From<sqlx::Error> for Suspicion {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<tenancy_postgres::Error> for Suspicion {
    fn from(error: tenancy_postgres::Error) -> Self {
        Self::Answer(error)
    }
}

/// One message: what was left behind is gone, no scope is open, and here is the next challenge.
pub(super) async fn scrub(
    connection: &mut PgConnection,
    ends: Ends,
    known: Option<Backend>,
) -> Result<(Challenge, Backend), Suspicion> {
    let nonce = Nonce::random()?;
    let sql = format!("{}; SELECT pg_catalog.pg_backend_pid()", ends.sql(&nonce));
    let rows = message(connection, sql).await?;
    let [.., answer, backend] = rows.as_slice() else {
        return Err(Suspicion::NoAnswer);
    };
    let columns: Vec<_> = (0..answer.len()).map(|at| text(answer, at)).collect();
    let answer = ScrubAnswer::read(&columns, &nonce)?;
    let backend = text(backend, 0)
        .and_then(|pid| pid.parse().ok())
        .map(Backend);
    let backend = backend.ok_or(Suspicion::NoAnswer)?;
    // A connection that was swapped in by `std::mem::swap` was never verified.
    if known.is_some_and(|known| known != backend) {
        return Err(Suspicion::AnotherBackend);
    }
    // Fewer: SQL deallocated one. More: a prepare was dropped in mid-flight.
    if usize::try_from(answer.prepared()) != Ok(connection.cached_statements_size()) {
        return Err(Suspicion::Statements);
    }
    if connection.is_in_transaction() {
        return Err(Suspicion::OpenTransaction);
    }
    Ok((answer.into_challenge(), backend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn central_connections_are_scrubbed_without_a_scope() {
        let nonce = Nonce::random().unwrap();
        let ours = Ends::Scope.sql(&nonce);
        assert_eq!(ours.matches("tenancy.leave()").count(), 1);
        let central = Ends::Nothing.sql(&nonce);
        assert_eq!(central, ours.replace("tenancy.leave()", NO_CHALLENGE));
        assert!(!central.contains("tenancy."));
    }
}
