//! What tenants' pools and central ones have in common: a ready connection, and the two ways to
//! open a scope on one.

use std::future::Future;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _, Transaction};
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::verify::Finding;
use tokio::time::{Instant, timeout_at};

use super::capacity::{Capacity, Checkout, WayBack};
use super::scrub::{Suspicion, scrub};
use super::slot::Stage;
use super::trust::Trust;
use super::wire::{message, opening_failed, text};
use crate::Error;

/// The connections, and the reason to trust them.
pub(super) struct Guarded {
    pub(super) capacity: Arc<Capacity>,
    pub(super) trust: Trust,
}

impl Guarded {
    /// A connection that is bound to nothing, and whose challenge is known.
    pub(super) async fn ready(&self, deadline: Instant) -> Result<Checkout, Error> {
        let mut checkout = self.capacity.checkout(deadline).await?;
        if !checkout.reused {
            within(deadline, self.prepare(&mut checkout)).await?;
        }
        Ok(checkout)
    }

    async fn prepare(&self, checkout: &mut Checkout) -> Result<(), Error> {
        self.trust.admit(checkout).await?;
        let (challenge, backend) = scrub(checkout, self.capacity.ends, None).await.map_err(
            |suspicion| match suspicion {
                Suspicion::Driver(error) => opening_failed(error),
                Suspicion::Answer(error) => error.into(),
                _ => Error::OutOfStep,
            },
        )?;
        checkout.state()?.made(challenge, backend);
        Ok(())
    }

    /// The whole verification, now.
    pub(super) async fn verify(&self) -> Result<Vec<Finding>, Error> {
        let deadline = self.capacity.deadline();
        let mut checkout = self.ready(deadline).await?;
        checkout.state()?.replace(Stage::Open);
        within(deadline, self.trust.findings(&mut checkout)).await
    }
}

/// An answer in time, or none. Dropped with what it was waiting on.
pub(super) async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout_at(deadline, work)
        .await
        .map_err(|_| Error::ServerTimedOut)?
}

/// Whether to try another connection: this one was lost while it was at rest, and nothing ran.
pub(super) fn try_another(reused: bool, error: &Error) -> bool {
    reused && matches!(error, Error::Lost(_))
}

/// The driver's own transaction, begun by `sql` in one message. Cancelled or failed, its connection
/// goes to the slot's hook, which sees that a scope was being opened on it, and closes it.
pub(super) async fn begin<'s>(
    checkout: Checkout,
    deadline: Instant,
    sql: String,
) -> Result<(Transaction<'s, Postgres>, WayBack), Error> {
    let (connection, way_back) = checkout.into_parts()?;
    let begun = Transaction::begin(connection, Some(AssertSqlSafe(sql).into_sql_str()));
    let transaction = within(deadline, async { begun.await.map_err(opening_failed) }).await?;
    way_back.opened();
    Ok((transaction, way_back))
}

/// Whether a connection is there, and in step.
pub(super) async fn answers(checkout: &mut Checkout) -> Result<(), Error> {
    let nonce = Nonce::random()?;
    let rows = message(checkout, format!("SELECT '{nonce}'"))
        .await
        .map_err(opening_failed)?;
    match rows.first().and_then(|row| text(row, 0)) {
        Some(echo) if echo == nonce.as_str() => Ok(()),
        _ => Err(Error::OutOfStep),
    }
}
