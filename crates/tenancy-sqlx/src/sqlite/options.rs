//! How tenants' databases are opened.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx::SqliteConnection;
use tenancy_core::BoxError;
use tenancy_sqlite::Folder;

use super::{DatabaseError, SqliteTenants};
use crate::Error;

pub(super) type Prepare =
    dyn for<'c> Fn(&'c mut SqliteConnection) -> BoxFuture<'c, Result<(), BoxError>> + Send + Sync;

/// What a [`Builder`] has put together.
pub(super) struct Settings {
    pub(super) max_open: usize,
    pub(super) connections_per_tenant: usize,
    pub(super) acquire_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) busy_timeout: Duration,
    pub(super) schema: Vec<Cow<'static, str>>,
    pub(super) prepare: Option<Arc<Prepare>>,
}

/// Puts together [`SqliteTenants`]; made by [`SqliteTenants::builder`].
#[must_use = "nothing is opened before `.build()`"]
pub struct Builder {
    folder: PathBuf,
    settings: Settings,
}

impl Builder {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            settings: Settings {
                max_open: 64,
                connections_per_tenant: 4,
                acquire_timeout: Duration::from_secs(5),
                idle_timeout: Duration::from_mins(5),
                busy_timeout: Duration::from_secs(5),
                schema: Vec::new(),
                prepare: None,
            },
        }
    }

    /// How many tenants' databases may be open at once (default 64, at least 1). One more waits for
    /// another that nobody uses any more. Each takes a few file handles, and a thread for each of its
    /// connections.
    pub fn max_open(mut self, tenants: usize) -> Self {
        self.settings.max_open = tenants.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// How many connections one tenant may use at once (default 4, at least 1). SQLite lets many
    /// read and one write.
    pub fn connections_per_tenant(mut self, connections: usize) -> Self {
        self.settings.connections_per_tenant =
            connections.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// How long a checkout waits for room, for the database to be open and for a free connection,
    /// all together (default 5 s).
    pub fn acquire_timeout(mut self, wait: Duration) -> Self {
        self.settings.acquire_timeout = wait;
        self
    }

    /// After how long a database that nobody uses is closed (default 300 s, at least 1 ms).
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.settings.idle_timeout = idle.max(Duration::from_millis(1));
        self
    }

    /// How long a statement waits for a lock that another connection to the same database holds
    /// (default 5 s, at most 24 days, which is what SQLite can count).
    pub fn busy_timeout(mut self, wait: Duration) -> Self {
        let longest = Duration::from_millis(u64::from(i32::MAX.unsigned_abs()));
        self.settings.busy_timeout = wait.min(longest);
        self
    }

    /// The statements that make a new tenant's tables, run in one transaction when a database is
    /// provisioned. One entry may hold several, with `;` between.
    pub fn schema<S: Into<Cow<'static, str>>>(
        mut self,
        statements: impl IntoIterator<Item = S>,
    ) -> Self {
        self.settings.schema = statements.into_iter().map(Into::into).collect();
        self
    }

    /// What else a new database needs, such as a migrator's own tables: run after
    /// [`schema`](Self::schema), on the new database before anyone can open it.
    ///
    /// ```
    /// # use tenancy_sqlx::sqlite::SqliteTenants;
    /// # fn f(path: &std::path::Path) -> Result<(), tenancy_sqlx::Error> {
    /// let tenants = SqliteTenants::builder(path)
    ///     .prepare(|db| Box::pin(async move {
    ///         sqlx::query("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")
    ///             .execute(&mut *db)
    ///             .await?;
    ///         Ok(())
    ///     }))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn prepare<F>(mut self, prepare: F) -> Self
    where
        F: for<'c> Fn(&'c mut SqliteConnection) -> BoxFuture<'c, Result<(), BoxError>>
            + Send
            + Sync
            + 'static,
    {
        self.settings.prepare = Some(Arc::new(prepare));
        self
    }

    /// Checks the folder, and makes it where it is missing. No database is opened yet.
    ///
    /// # Errors
    /// [`DatabaseError::File`], where the folder can't be used or every user may write to it.
    pub fn build(self) -> Result<SqliteTenants, Error> {
        let folder = Folder::open(&self.folder).map_err(DatabaseError::File)?;
        Ok(SqliteTenants::assemble(folder, self.settings))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max_open", &self.settings.max_open)
            .field(
                "connections_per_tenant",
                &self.settings.connections_per_tenant,
            )
            .finish_non_exhaustive()
    }
}
