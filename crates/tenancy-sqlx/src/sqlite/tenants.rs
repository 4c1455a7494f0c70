//! [`SqliteTenants`]: from a scope to a connection to its own database.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sqlx::SqliteConnection;
use tenancy_core::{Placement, RequestTransaction, TenantId, TenantScope};
use tenancy_sqlite::{Folder, TenantFile};

use super::cache::{Cache, NoLease};
use super::options::{Builder, Settings};
use super::pool::{FilePool, Place};
use super::slot::deadline;
use super::{DatabaseError, SqliteTenantConnection, SqliteTenantTransaction, Status};
use crate::{Error, TxFn};

/// Every tenant's own SQLite database: a file for each in one folder.
///
/// Cheap to clone; all clones are one. Nothing is handed out without a scope, and what is handed
/// out reaches that scope's file alone.
///
/// ```
/// use tenancy_core::{MemoryStore, Provisioner, Tenancy, Tenant, TenantId, TenantScope};
/// use tenancy_sqlx::{Error, sqlite::SqliteTenants};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let db = SqliteTenants::builder(folder.path())
///     .schema(["CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"])
///     .build()?;
/// let acme = TenantId::new("acme")?;
/// let placement = db.provision(&acme).await?;
/// let tenancy = Tenancy::builder(MemoryStore::new([Tenant::new(acme).with_placement(placement)]))
///     .without_requests()
///     .build();
///
/// tenancy.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
///     db.transaction(scope, async |tx| -> Result<_, Error> {
///         sqlx::query("INSERT INTO notes (title) VALUES (?1)")
///             .bind("hello")
///             .execute(&mut *tx)
///             .await
///             .map_err(|error| Error::Statement(error.into()))
///     }).await?;
///     let mut connection = db.acquire(scope).await?;
///     let notes: i64 = sqlx::query_scalar("SELECT count(*) FROM notes")
///         .fetch_one(&mut *connection)
///         .await
///         .map_err(|error| Error::Statement(error.into()))?;
///     assert_eq!(notes, 1);
///     Ok(())
/// }).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqliteTenants {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) folder: Folder,
    pub(super) settings: Arc<Settings>,
    pub(super) cache: Cache<FilePool>,
    sweeper: OnceLock<Sweeper>,
}

/// Ends its task with the databases.
struct Sweeper(tokio::task::JoinHandle<()>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SqliteTenants {
    /// The databases in `folder`, with the [`Builder`]'s defaults. The folder is made where it is
    /// missing, for this user alone.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        Self::builder(folder).build()
    }

    /// The databases in `folder`, with settings.
    pub fn builder(folder: impl AsRef<Path>) -> Builder {
        Builder::new(PathBuf::from(folder.as_ref()))
    }

    pub(super) fn assemble(folder: Folder, settings: Settings) -> Self {
        let cache = Cache::new(settings.max_open);
        let settings = Arc::new(settings);
        Self {
            inner: Arc::new(Inner {
                folder,
                settings,
                cache,
                sweeper: OnceLock::new(),
            }),
        }
    }

    /// A connection to the scope's own database, until it is dropped. In a
    /// [read-only](TenantScope::is_read_only) scope SQLite refuses every statement that writes.
    ///
    /// # Errors
    /// [`Error::Scope`] without a usable scope; [`Error::Sqlite`] where the tenant's placement or
    /// file is not what it must be, or no room came free in time; [`DatabaseError::PoolTimedOut`] where the
    /// tenant's own connections are all in use; [`DatabaseError::PoolClosed`], [`DatabaseError::Connect`].
    pub async fn acquire<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> Result<SqliteTenantConnection<'s>, Error> {
        let (place, connection) = self.check_out(scope).await?;
        Ok(SqliteTenantConnection::new(place, connection))
    }

    /// The same for an owned [ticket](TenantScope::ticket): for what must outlive a borrow, such as
    /// a streamed response body. A checkout that is made may finish its work after the scope's end;
    /// it is still that tenant's.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn acquire_owned(
        &self,
        ticket: TenantScope,
    ) -> Result<SqliteTenantConnection<'static>, Error> {
        let (place, connection) = self.check_out(&ticket).await?;
        Ok(SqliteTenantConnection::new(place, connection))
    }

    /// A transaction in the scope's own database. Dropped without
    /// [`commit`](SqliteTenantTransaction::commit), it saves nothing.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and [`Error::Statement`] where SQLite refuses to begin one,
    /// as when another of this tenant's holds the lock for too long.
    pub async fn begin<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> Result<SqliteTenantTransaction<'s>, Error> {
        let (place, connection) = self.check_out(scope).await?;
        SqliteTenantTransaction::begin(place, connection, scope.is_read_only()).await
    }

    /// As [`begin`](Self::begin), from a ticket.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub async fn begin_owned(
        &self,
        ticket: TenantScope,
    ) -> Result<SqliteTenantTransaction<'static>, Error> {
        let (place, connection) = self.check_out(&ticket).await?;
        SqliteTenantTransaction::begin(place, connection, ticket.is_read_only()).await
    }

    /// The transaction of the request that `scope` was opened for: begun by whoever asks first, and
    /// the same one for whoever asks later. It is committed or rolled back with the answer to the
    /// request, where the integration's layer was told `.transaction_per_request()`.
    ///
    /// One handle at a time: drop it, or hand `&mut` of it down, before the next is asked for. A
    /// connection that is [`acquire`](Self::acquire)d beside it is a second one of the tenant's: it sees
    /// nothing of what is not committed, and waits where it writes.
    ///
    /// ```no_run
    /// # use tenancy_core::TenantScope;
    /// # use tenancy_sqlx::{Error, sqlite::SqliteTenants};
    /// async fn rename(db: &SqliteTenants, scope: &TenantScope, title: &str) -> Result<(), Error> {
    ///     let mut tx = db.request_transaction(scope).await?;
    ///     let query = sqlx::query("UPDATE notes SET title = $1").bind(title);
    ///     query.execute(&mut **tx).await?;
    ///     Ok(())
    /// } // no commit: the answer does it
    /// ```
    ///
    /// # Errors
    /// [`NoRequestTransaction`](tenancy_core::NoRequestTransaction), in
    /// [`tenancy_core::Error::RequestTransaction`], where the request has none, or it is in use, over,
    /// or another pool's; else as [`begin`](Self::begin).
    pub async fn request_transaction<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> Result<RequestTransaction<'s, Self>, Error> {
        RequestTransaction::of(self, scope).await
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Runs `work` in a transaction of the scope's own database: saved when it answers with `Ok`,
    /// undone when it fails, panics or is dropped.
    ///
    /// A body whose errors all come through `?` needs its type written:
    /// `async |tx| -> Result<_, AppError> { .. }`.
    ///
    /// # Errors
    /// What `work` answers with, as it is. Before it: as [`begin`](Self::begin). After it: as
    /// [`commit`](SqliteTenantTransaction::commit).
    #[allow(clippy::manual_async_fn)] // an `async fn` can't say that its future is `Send`
    pub fn transaction<'a, T, E, F>(
        &'a self,
        scope: &'a TenantScope,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, E>
            + for<'c> TxFn<'c, SqliteConnection, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        async move {
            let mut transaction = self.begin(scope).await?;
            match work.call(&mut transaction).await {
                Ok(value) => {
                    transaction.commit().await?;
                    Ok(value)
                }
                Err(error) => {
                    // Should it fail, the connection is closed, which undoes it as well.
                    let _ = transaction.rollback().await;
                    Err(error)
                }
            }
        }
    }

    /// The placement of `tenant`'s database, whether or not it is there.
    pub fn placement(&self, tenant: &TenantId) -> Placement {
        TenantFile::in_folder(&self.inner.folder, tenant).placement()
    }

    /// How many databases are open, in use and waited for.
    pub fn status(&self) -> Status {
        let fill = self.inner.cache.fill();
        Status {
            open: fill.open,
            in_use: fill.leased,
            waiting: fill.waiting,
            room: fill.room,
        }
    }

    /// Hands nothing out any more, waits until every checkout is given back, and closes every
    /// database. All clones are closed with it.
    pub async fn close(&self) {
        self.inner.cache.close().await;
    }

    async fn check_out(
        &self,
        scope: &TenantScope,
    ) -> Result<(Place, sqlx::pool::PoolConnection<sqlx::Sqlite>), Error> {
        scope.ensure_usable()?;
        let tenant = scope.tenant();
        let file = TenantFile::in_folder(&self.inner.folder, tenant.id());
        if !file.is_named_by(tenant.placement()) {
            return Err(DatabaseError::Placement.into());
        }
        let deadline = deadline(self.inner.settings.acquire_timeout);
        self.inner.start_sweeper()?;
        let settings = Arc::clone(&self.inner.settings);
        let lease = self
            .inner
            .cache
            .lease(tenant.id(), deadline, async || {
                FilePool::open(file, tenant.id().clone(), settings).await
            })
            .await
            .map_err(refused)?;
        let checked_out = Place::take(lease, scope.is_read_only(), deadline).await?;
        // The scope may have ended while this waited.
        if let Err(ended) = scope.ensure_usable() {
            let (place, connection) = checked_out;
            place.release(Some(connection));
            return Err(ended.into());
        }
        Ok(checked_out)
    }
}

fn refused(error: NoLease<Error>) -> Error {
    match error {
        NoLease::Open(error) => error,
        NoLease::Closed => DatabaseError::PoolClosed.into(),
        NoLease::Barred => DatabaseError::BeingRemoved.into(),
        NoLease::Full => DatabaseError::AllInUse.into(),
        NoLease::Slow => DatabaseError::OpenTimedOut.into(),
    }
}

impl Inner {
    /// Closes what is idle, from the first checkout on: before that there may be no runtime.
    fn start_sweeper(&self) -> Result<(), Error> {
        let runtime =
            tokio::runtime::Handle::try_current().map_err(|_| DatabaseError::NoRuntime)?;
        self.sweeper.get_or_init(|| {
            let (cache, idle) = (self.cache.downgrade(), self.settings.idle_timeout);
            Sweeper(runtime.spawn(async move {
                loop {
                    tokio::time::sleep(idle / 2).await;
                    let Some(cache) = cache() else { return };
                    cache.sweep(idle);
                }
            }))
        });
        Ok(())
    }
}

impl fmt::Debug for SqliteTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTenants")
            .field("max_open", &self.inner.settings.max_open)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
