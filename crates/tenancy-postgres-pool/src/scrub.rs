//! Cleans a connection, and believes only an answer to this very scrub.

use tenancy_core::TenantId;
use tenancy_postgres::scrub::{
    Nonce, ScrubAnswer, Seen, read_stay, read_unscoped, scrub_sql, stay_sql, unscoped_scrub_sql,
};
use tenancy_postgres::seal::Challenge;

use crate::link::Known;
use crate::{Driver, Prepared, Row};

/// What a scrub ends, besides what was left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// A sealed scope.
    Seal,
    /// None that the server knows of.
    Nothing,
    /// A transaction through a pooler, which resets its server connection itself.
    Transaction,
}

/// Why a connection is not used again. The words go to the log, and hold nothing of the server's.
#[derive(Debug)]
pub(crate) enum Suspicion<E> {
    Driver(E),
    Answer(tenancy_postgres::Error),
    NoAnswer,
    AnotherBackend,
    Statements,
    OpenTransaction,
}

impl<E> Suspicion<E> {
    pub(crate) fn words(&self) -> &'static str {
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

/// One message: what was left behind is gone, no scope is open, and here is the next challenge.
pub(crate) async fn scrub<D: Driver>(
    driver: &D,
    connection: &mut D::Connection,
    ends: Ends,
    known: Option<Known>,
) -> Result<(Option<Challenge>, Known), Suspicion<D::Error>> {
    let nonce = Nonce::random().map_err(Suspicion::Answer)?;
    match ends {
        Ends::Seal => {
            let answer = last_row(driver, connection, scrub_sql(&nonce)).await?;
            let answer = ScrubAnswer::read(&columns(&answer), &nonce).map_err(Suspicion::Answer)?;
            let now = seen(driver, connection, answer.seen(), known)?;
            Ok((Some(answer.into_challenge()), now))
        }
        Ends::Nothing => {
            let rows = driver.message(connection, unscoped_scrub_sql(&nonce)).await;
            let rows = rows.map_err(Suspicion::Driver)?;
            let answer = read_unscoped(&rows, &nonce).map_err(Suspicion::Answer)?;
            Ok((None, seen(driver, connection, answer, known)?))
        }
        Ends::Transaction => rolled_back(driver, connection, &nonce).await,
    }
}

/// One message: what was left behind is gone, and this tenant's scope, which was opened for the
/// session, is open still.
pub(crate) async fn stay<D: Driver>(
    driver: &D,
    connection: &mut D::Connection,
    tenant: &TenantId,
    known: Option<Known>,
) -> Result<Known, Suspicion<D::Error>> {
    let nonce = Nonce::random().map_err(Suspicion::Answer)?;
    let answer = last_row(driver, connection, stay_sql(&nonce)).await?;
    let answer = read_stay(&columns(&answer), &nonce, tenant).map_err(Suspicion::Answer)?;
    seen(driver, connection, answer, known)
}

async fn last_row<D: Driver>(
    driver: &D,
    connection: &mut D::Connection,
    sql: String,
) -> Result<Row, Suspicion<D::Error>> {
    let rows = driver.message(connection, sql).await;
    let mut rows = rows.map_err(Suspicion::Driver)?;
    rows.pop().ok_or(Suspicion::NoAnswer)
}

fn columns(row: &Row) -> Vec<Option<&str>> {
    row.iter().map(Option::as_deref).collect()
}

/// Whether it is the connection that it was, and its prepared statements are the driver's.
fn seen<D: Driver>(
    driver: &D,
    connection: &D::Connection,
    seen: Seen,
    known: Option<Known>,
) -> Result<Known, Suspicion<D::Error>> {
    let backend = seen.backend;
    // A connection that was swapped in by `std::mem::swap` was never verified.
    if known.is_some_and(|known| known.backend != backend) {
        return Err(Suspicion::AnotherBackend);
    }
    let uncounted = uncounted(driver.prepared_statements(connection), seen.prepared)
        .filter(|now| known.is_none_or(|known| known.uncounted <= *now))
        .ok_or(Suspicion::Statements)?;
    if driver.is_in_transaction(connection) {
        return Err(Suspicion::OpenTransaction);
    }
    Ok(Known { backend, uncounted })
}

/// Ends the transaction that may be open. What it left on the server connection is the pooler's to
/// reset, and whether it was is seen at the next `BEGIN`. But the pooler keeps some settings for its
/// client, such as the time zone, and gives them to the next server connection.
async fn rolled_back<D: Driver>(
    driver: &D,
    connection: &mut D::Connection,
    nonce: &Nonce,
) -> Result<(Option<Challenge>, Known), Suspicion<D::Error>> {
    let sql = format!("ROLLBACK; RESET ALL; SELECT '{nonce}'::pg_catalog.text");
    let answer = driver.message(connection, sql).await;
    let rows = answer.map_err(Suspicion::Driver)?;
    match rows.last().and_then(|row| row.first()?.as_deref()) {
        Some(echo) if rows.len() == 1 && echo == nonce.as_str() => {}
        _ => return Err(Suspicion::NoAnswer),
    }
    if driver.is_in_transaction(connection) {
        return Err(Suspicion::OpenTransaction);
    }
    // They are gone from the server, or on a connection of it that is somebody else's now.
    driver.forget_statements(connection);
    Ok((None, Known::default()))
}

/// How many statements on the server the driver does not count. `None` where those that it does
/// count can't all be there, or where there may be no other.
fn uncounted(prepared: Prepared, on_server: u64) -> Option<u64> {
    match prepared {
        Prepared::All(count) => (u64::try_from(count).ok()? == on_server).then_some(0),
        Prepared::Some(count) => on_server.checked_sub(u64::try_from(count).ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_gone_or_too_many_is_seen() {
        assert_eq!(uncounted(Prepared::All(3), 3), Some(0));
        assert_eq!(uncounted(Prepared::All(3), 2), None);
        assert_eq!(uncounted(Prepared::All(3), 4), None);
        assert_eq!(uncounted(Prepared::Some(3), 5), Some(2));
        assert_eq!(uncounted(Prepared::Some(3), 2), None);
    }
}
