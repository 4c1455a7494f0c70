//! One connection, and its way back.
//!
//! SQLx's connections have no identity, and only one of its pools can make the owned connection that
//! its `Transaction` wants. So each connection has a pool of one for itself, which makes no other:
//! from a transaction it comes back by SQLx's own way, and is waited for there.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Postgres};
use tokio::sync::Notify;
use tokio::time::Instant;

/// There is no server: what would connect anew fails at once.
const NOWHERE: &str = "/dev/null";

/// Whoever waits here does so within a limit of its own.
const BY_FAR_TOO_LONG: Duration = Duration::from_hours(24);

/// One physical connection: SQLx's, with what it takes to lend it to a transaction.
pub struct Connection {
    /// `None` while a transaction has it.
    held: Option<PoolConnection<Postgres>>,
    pool: PgPool,
    given_up: Arc<Notify>,
    answered: Instant,
}

impl Connection {
    pub(super) async fn connect(options: PgConnectOptions) -> Result<Self, sqlx::Error> {
        let given_up = Arc::new(Notify::new());
        let on_release = Arc::clone(&given_up);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            // Its ping is content with an answer to another message, and costs a trip.
            .test_before_acquire(false)
            .acquire_timeout(BY_FAR_TOO_LONG)
            .acquire_slow_threshold(BY_FAR_TOO_LONG)
            .after_release(move |connection, _| {
                let given_up = Arc::clone(&on_release);
                Box::pin(async move { came_back(connection, &given_up).await })
            })
            .connect_lazy_with(options);
        let held = pool.acquire().await?;
        pool.set_connect_options(PgConnectOptions::new_without_pgpass().socket(NOWHERE));
        Ok(Self {
            held: Some(held),
            pool,
            given_up,
            answered: Instant::now(),
        })
    }

    /// SQLx's connection, unless a transaction has it.
    pub(super) fn in_hand(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.held.as_deref_mut().ok_or_else(elsewhere)
    }

    /// Lends it to a transaction.
    pub(super) fn lend(&mut self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.held.take().ok_or_else(elsewhere)
    }

    /// Waits until what was lent is back. `false`: it was closed on its way.
    pub(super) async fn back(&mut self) -> bool {
        if self.held.is_none() {
            self.held = self.pool.acquire().await.ok();
        }
        self.held.is_some()
    }

    /// It has just answered.
    pub(super) fn answered(&mut self) {
        self.answered = Instant::now();
    }

    /// For how long nothing was heard from it.
    pub(super) fn silent_for(&self) -> Duration {
        self.answered.elapsed()
    }

    pub(super) async fn close(mut self, hard: bool) {
        match self.held.take().map(PoolConnection::detach) {
            // The server looks at its sockets while it works, and ends what runs on this one.
            Some(connection) if hard => drop(connection.close_hard().await),
            Some(connection) => drop(connection.close().await),
            None => {
                self.given_up.notify_one();
                self.pool.close().await;
            }
        }
    }
}

/// Runs in SQLx's own task. `Err` closes the connection hard.
async fn came_back(connection: &mut PgConnection, given_up: &Notify) -> Result<bool, sqlx::Error> {
    tokio::select! {
        biased;
        () = given_up.notified() => Err(sqlx::Error::Protocol(
            "connection dropped rather than used again: it was given up".to_owned(),
        )),
        // What still runs comes to its end, and a rollback is sent.
        flushed = connection.flush() => flushed.map(|()| true),
    }
}

fn elsewhere() -> sqlx::Error {
    sqlx::Error::Protocol("the connection is with its transaction".to_owned())
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.given_up.notify_one();
        if let Some(held) = self.held.take() {
            // Without a runtime SQLx's way back would panic.
            drop(held.detach());
        }
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    #[allow(clippy::expect_used)] // a checkout whose connection was lent is given to nobody
    fn deref(&self) -> &PgConnection {
        self.held
            .as_ref()
            .expect("a connection is in its place until it is lent")
    }
}

impl DerefMut for Connection {
    #[allow(clippy::expect_used)] // as above
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.held
            .as_mut()
            .expect("a connection is in its place until it is lent")
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
