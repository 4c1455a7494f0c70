//! One place for one connection, and what is known of it.
//!
//! SQLx's connections have no identity, and only one of its pools can make the owned connection
//! that its `Transaction` wants. So a slot is a pool of one: whatever becomes of a checkout (a
//! commit, a panic, a dropped future), it comes back by SQLx's own way, through the hook below, and
//! the hook knows whose it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use tenancy_postgres::seal::Challenge;
use tokio::sync::Notify;

use super::scrub::{Backend, Ends, scrub};

/// A connection's place.
pub(super) struct Slot {
    pub(super) pool: PgPool,
    pub(super) state: Arc<SlotState>,
}

/// What is known of the slot's connection. Shared with the pool's hooks.
pub(super) struct SlotState {
    known: Mutex<Known>,
    ends: Ends,
    /// Told once for each connection that came back, when it is clean or given up.
    pub(super) settled: Notify,
}

struct Known {
    stage: Stage,
    backend: Option<Backend>,
}

/// How far a connection is.
pub(super) enum Stage {
    /// There is none, or nothing was said on it yet.
    Fresh,
    /// Bound to nothing. The challenge is the last `leave()`'s, for one `enter`.
    Clean(Challenge),
    /// A scope is being opened, and the answer is not known: never to be used again from here.
    Opening,
    /// In use.
    Open,
    /// Given up.
    Lost,
}

impl SlotState {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `stage` in place of the one that was, which is handed out.
    pub(super) fn replace(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut self.lock().stage, stage)
    }

    /// A connection was made and scrubbed.
    pub(super) fn made(&self, challenge: Challenge, backend: Backend) {
        *self.lock() = Known {
            stage: Stage::Clean(challenge),
            backend: Some(backend),
        };
    }

    pub(super) fn is_clean(&self) -> bool {
        matches!(self.lock().stage, Stage::Clean(_))
    }

    /// Whether the hook can make it clean, or it is.
    pub(super) fn may_come_back(&self) -> bool {
        matches!(self.lock().stage, Stage::Clean(_) | Stage::Open)
    }

    fn connected(&self) {
        *self.lock() = Known {
            stage: Stage::Fresh,
            backend: None,
        };
    }

    /// Runs in SQLx's own task, after a connection was let go. `Err` closes it hard, which ends
    /// what still runs on the server: it looks at its sockets while it works.
    async fn released(
        &self,
        connection: &mut PgConnection,
        within: Duration,
    ) -> Result<bool, sqlx::Error> {
        let _settled = Settled(self);
        let backend = match self.replace(Stage::Lost) {
            // Nothing was said on it since it was scrubbed.
            Stage::Clean(challenge) => {
                self.replace(Stage::Clean(challenge));
                return Ok(true);
            }
            Stage::Open => self.lock().backend,
            Stage::Fresh | Stage::Opening | Stage::Lost => {
                return Err(given_up("a scope was being opened on it"));
            }
        };
        match tokio::time::timeout(within, scrub(connection, self.ends, backend)).await {
            Ok(Ok((challenge, _))) => {
                self.replace(Stage::Clean(challenge));
                Ok(true)
            }
            Ok(Err(suspicion)) => Err(given_up(suspicion.words())),
            Err(_) => Err(given_up("the scrub was not answered in time")),
        }
    }
}

/// SQLx writes it to the log.
fn given_up(why: &'static str) -> sqlx::Error {
    sqlx::Error::Protocol(format!("connection dropped rather than used again: {why}"))
}

/// Also when the hook is dropped with its runtime.
struct Settled<'a>(&'a SlotState);

impl Drop for Settled<'_> {
    fn drop(&mut self) {
        self.0.settled.notify_one();
    }
}

impl Slot {
    /// A place for a connection that will be made when it is first needed.
    pub(super) fn new(
        options: PgConnectOptions,
        connect_within: Duration,
        scrub_within: Duration,
        ends: Ends,
    ) -> Self {
        let state = Arc::new(SlotState {
            known: Mutex::new(Known {
                stage: Stage::Fresh,
                backend: None,
            }),
            ends,
            settled: Notify::new(),
        });
        let on_connect = Arc::clone(&state);
        let on_release = Arc::clone(&state);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            // Its ping is content with an answer to another message, and costs a trip.
            .test_before_acquire(false)
            .acquire_timeout(connect_within)
            .after_connect(move |_, _| {
                on_connect.connected();
                Box::pin(async { Ok(()) })
            })
            .after_release(move |connection, _| {
                let state = Arc::clone(&on_release);
                Box::pin(async move { state.released(connection, scrub_within).await })
            })
            .connect_lazy_with(options);
        Self { pool, state }
    }

    /// Lets the connection go, wherever it is: it is closed as soon as it comes back.
    pub(super) fn retire(&self) {
        self.state.replace(Stage::Lost);
        // Marks the pool as closed at once; there is nothing to wait for.
        drop(self.pool.close());
    }
}
