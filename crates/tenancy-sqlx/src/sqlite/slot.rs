//! One connection of one tenant's database, and what is known of it.
//!
//! SQLx shows no identity of a pooled connection. So each connection has a pool of its own, of one,
//! whose hooks know what the connection's last user did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    LockedSqliteHandle, SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions,
};
use sqlx::{Connection, Sqlite};
use tenancy_core::TenantId;
use tenancy_sqlite::{Handle, TenantFile, identity, inspect, seal, set_read_only};
use tokio::time::{Duration, Instant};

use super::DatabaseError;
use crate::{DriverError, Error};

/// SQLite asks after as many of its instructions whether a statement's user is still there.
const STEPS_BETWEEN_CHECKS: i32 = 4096;

/// What the hooks of a connection and its user tell each other.
#[derive(Default)]
pub(super) struct SlotState {
    /// Where the sealed connection lies in memory; 0 while it is not sealed. An address that differs
    /// is another connection, put there with `mem::swap`.
    sealed: AtomicUsize,
    /// SQL on the sealed connection only reads.
    read_only: AtomicBool,
    /// The user is gone: what still runs is stopped.
    abandoned: AtomicBool,
    /// A transaction is open that only our commit may end.
    held: AtomicBool,
    /// That transaction was ended by something else.
    over: AtomicBool,
    /// A commit went through after the hold was lifted.
    passed: AtomicBool,
}

impl SlotState {
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// From here on, nothing on this connection is committed before [`let_commit`](Self::let_commit).
    pub(super) fn hold(&self) {
        self.over.store(false, Ordering::Release);
        self.passed.store(false, Ordering::Release);
        self.held.store(true, Ordering::Release);
    }

    /// Lets the next commit through; `false` when the transaction is over already.
    pub(super) fn let_commit(&self) -> bool {
        let open = !self.over.load(Ordering::Acquire);
        if open {
            self.held.store(false, Ordering::Release);
        }
        open
    }

    pub(super) fn was_committed(&self) -> bool {
        self.passed.load(Ordering::Acquire)
    }

    fn renew(&self) {
        self.abandoned.store(false, Ordering::Release);
        self.held.store(false, Ordering::Release);
        self.over.store(false, Ordering::Release);
        self.passed.store(false, Ordering::Release);
    }

    fn unseal(&self) {
        self.sealed.store(0, Ordering::Release);
        self.read_only.store(false, Ordering::Release);
        self.renew();
    }
}

pub(super) struct Slot {
    pool: SqlitePool,
    state: Arc<SlotState>,
}

impl Slot {
    pub(super) fn new(
        file: &TenantFile,
        busy_timeout: Duration,
        acquire_timeout: Duration,
    ) -> Self {
        let state = Arc::new(SlotState::default());
        let fresh = Arc::clone(&state);
        let (released, file_released) = (Arc::clone(&state), file.clone());
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(acquire_timeout)
            // A file has no other end that could have hung up.
            .test_before_acquire(false)
            .after_connect(move |_, _| {
                fresh.unseal();
                Box::pin(async { Ok(()) })
            })
            .after_release(move |connection, _| {
                let (state, file) = (Arc::clone(&released), file_released.clone());
                Box::pin(async move { is_clean(connection, &state, &file).await })
            })
            .connect_lazy_with(options(file.path(), busy_timeout));
        Self { pool, state }
    }

    pub(super) fn state(&self) -> &Arc<SlotState> {
        &self.state
    }

    /// The connection, sealed and known to be on this tenant's own file; it writes, or only reads.
    pub(super) async fn connect(
        &self,
        file: &TenantFile,
        tenant: &TenantId,
        read_only: bool,
    ) -> Result<PoolConnection<Sqlite>, Error> {
        let mut connection = self
            .pool
            .acquire()
            .await
            .map_err(|error| no_connection(error, file))?;
        if self.state.sealed.load(Ordering::Acquire) == 0 {
            let address = seal_connection(&mut connection, file, &self.state).await?;
            verify(&mut connection, tenant).await?;
            self.state.sealed.store(address, Ordering::Release);
        }
        if self.state.read_only.load(Ordering::Acquire) != read_only {
            let handle = connection.lock_handle().await;
            let mut handle = handle.map_err(|error| DatabaseError::Connect(error.into()))?;
            // Where this fails, the connection does not count as sealed, and is closed.
            let sealed = self.state.sealed.swap(0, Ordering::AcqRel);
            set_read_only(&mut handle, read_only).map_err(DatabaseError::File)?;
            self.state.sealed.store(sealed, Ordering::Release);
            self.state.read_only.store(read_only, Ordering::Release);
        }
        Ok(connection)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// What a database is opened with: it must be there, and foreign keys are enforced.
pub(super) fn options(path: &std::path::Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(busy_timeout)
}

async fn seal_connection(
    connection: &mut SqliteConnection,
    file: &TenantFile,
    state: &Arc<SlotState>,
) -> Result<usize, Error> {
    let mut handle = connection
        .lock_handle()
        .await
        .map_err(|error| DatabaseError::Connect(error.into()))?;
    seal(&mut handle, file).map_err(DatabaseError::File)?;
    listen(&mut handle, state);
    Ok(handle.address())
}

fn listen(handle: &mut LockedSqliteHandle<'_>, state: &Arc<SlotState>) {
    let on_step = Arc::clone(state);
    handle.set_progress_handler(STEPS_BETWEEN_CHECKS, move || {
        !on_step.abandoned.load(Ordering::Acquire)
    });
    let on_commit = Arc::clone(state);
    handle.set_commit_hook(move || {
        let held = on_commit.held.load(Ordering::Acquire);
        if held {
            &on_commit.over
        } else {
            &on_commit.passed
        }
        .store(true, Ordering::Release);
        !held
    });
    let on_rollback = Arc::clone(state);
    handle.set_rollback_hook(move || on_rollback.over.store(true, Ordering::Release));
}

/// Whether a sealed connection is on `tenant`'s own database.
pub(super) async fn verify(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<(), Error> {
    let application: i32 = sqlx::query_scalar(identity::READ_APPLICATION_ID)
        .fetch_one(&mut *connection)
        .await
        .map_err(not_readable)?;
    if application != identity::APPLICATION_ID {
        return Err(DatabaseError::NotThisTenants.into());
    }
    let marks: Vec<String> = sqlx::query_scalar(identity::READ_TENANT)
        .fetch_all(&mut *connection)
        .await
        .map_err(not_readable)?;
    if !matches!(&marks[..], [mark] if mark == tenant.as_str()) {
        return Err(DatabaseError::NotThisTenants.into());
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| DatabaseError::Connect(error.into()))?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(DatabaseError::NotWal.into())
    }
}

/// `SQLITE_ERROR` (no such table, no such column) and `SQLITE_NOTADB`: it carries no mark of ours.
fn not_readable(error: sqlx::Error) -> Error {
    match error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .as_deref()
    {
        Some("1" | "26") => DatabaseError::NotThisTenants.into(),
        _ => DatabaseError::Connect(error.into()).into(),
    }
}

fn no_connection(error: sqlx::Error, file: &TenantFile) -> Error {
    match error {
        sqlx::Error::PoolTimedOut => DatabaseError::OpenTimedOut.into(),
        sqlx::Error::PoolClosed => DatabaseError::PoolClosed.into(),
        // SQLITE_CANTOPEN says nothing of why.
        error => match file.check() {
            Err(why) => DatabaseError::File(why).into(),
            Ok(()) => DatabaseError::Connect(DriverError::from(error)).into(),
        },
    }
}

/// Whether a connection that comes back may be handed out again. `false` closes it, which is cheap.
async fn is_clean(
    connection: &mut SqliteConnection,
    state: &Arc<SlotState>,
    file: &TenantFile,
) -> Result<bool, sqlx::Error> {
    // First, so that no error below leaves a connection that counts as sealed.
    let sealed = state.sealed.swap(0, Ordering::AcqRel);
    // What was queued on the connection before this, a rollback as well, has run when the lock is
    // there.
    let mut handle = connection.lock_handle().await?;
    let traces = inspect(&mut handle, file);
    let own = sealed != 0 && handle.address() == sealed;
    // Hooks that the last user has set in Rust are gone with this.
    handle.remove_update_hook();
    listen(&mut handle, state);
    drop(handle);
    // SQLx's own count, which a raw ROLLBACK leaves behind.
    let counted = connection.is_in_transaction();
    if !own || traces.busy || traces.elsewhere || counted {
        tracing::debug!(
            own,
            ?traces,
            counted,
            "a connection came back with traces and is closed"
        );
        state.renew();
        return Ok(false);
    }
    state.renew();
    state.sealed.store(sealed, Ordering::Release);
    Ok(true)
}

/// A deadline that far in the future is never missed.
pub(super) fn deadline(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after)
        .unwrap_or(now + Duration::from_hours(24 * 365))
}
