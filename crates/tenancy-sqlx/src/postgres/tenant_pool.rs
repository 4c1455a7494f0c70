//! The pool of one wall: every connection it hands out is bound to one tenant.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tenancy_core::{RequestTransaction, TenantId, TenantScope};
use tenancy_postgres::verify::Finding;
use tenancy_postgres_pool::{Checkout, Isolation, PoolStatus, Tenants};
use tokio::time::timeout;

use super::TenantPoolBuilder;
use super::connection::TenantConnection;
use super::driver::{Sqlx, SqlxBegins};
use super::transaction::TenantTransaction;
use crate::{Error, TxFn};

/// A bound connection that was at rest for longer is asked first whether it is still there: SQLx does
/// not notice by itself.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long it has for that answer, before another one takes its place.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Connections to a database whose tables are walled, each bound to one tenant's scope.
///
/// Cheap to clone; all clones are one pool. There is no way to an unbound connection.
///
/// ```no_run
/// # use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
/// # use tenancy_sqlx::Error;
/// # use tenancy_sqlx::postgres::TenantPool;
/// # async fn example(tenancy: Tenancy) -> Result<(), Error> {
/// let db = TenantPool::connect("postgres://app:password@127.0.0.1/service").await?;
/// let titles: Vec<(String,)> = tenancy
///     .run("acme", async |scope: &TenantScope| -> Result<_, Error> {
///         let mut connection = db.acquire(scope).await?;
///         let query = sqlx::query_as("SELECT title FROM notes"); // no tenant: the database knows
///         Ok(query.fetch_all(&mut *connection).await?)
///     })
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TenantPool {
    tenants: Tenants<Sqlx>,
}

impl TenantPool {
    /// Connects as the runtime role, with the sealing key from the environment's
    /// `TENANCY_SEALING_KEY`, and looks for holes before anything is handed out.
    ///
    /// # Errors
    /// [`PoolError::Unsafe`](super::PoolError::Unsafe) lists each hole with its mend;
    /// [`PoolError`](super::PoolError) has where it did not come so far.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// A pool with settings of its own.
    pub fn builder(url: &str) -> TenantPoolBuilder {
        TenantPoolBuilder::new(Sqlx, url)
    }

    pub(super) fn over(tenants: Tenants<Sqlx>) -> Self {
        Self { tenants }
    }

    /// A connection on which the scope is open until it is dropped. No round trip where one waits on
    /// the tenant's shelf, and was used within the last second; one otherwise.
    ///
    /// In a [read-only](TenantScope::is_read_only) scope all of it is one transaction, which the server
    /// lets only read: a `COMMIT` ends it, that of a transaction inside it as well, and a statement
    /// that fails leaves nothing to be done in it.
    ///
    /// # Errors
    /// [`Error::Scope`] where the scope has ended or another one is open here;
    /// [`PoolError`](super::PoolError) where there is no connection, or the database refuses the
    /// scope. In all of these nothing was run.
    pub async fn acquire<'s>(&self, scope: &'s TenantScope) -> Result<TenantConnection<'s>, Error> {
        self.bound(scope).await.map(TenantConnection::new)
    }

    /// As [`acquire`](Self::acquire), from a ticket: for a checkout that no borrow can hold, such as
    /// an extractor's. It may outlive the scope, and stays that tenant's.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    #[allow(clippy::needless_pass_by_value)] // a ticket is given away
    pub async fn acquire_owned(
        &self,
        scope: TenantScope,
    ) -> Result<TenantConnection<'static>, Error> {
        self.bound(&scope).await.map(TenantConnection::new)
    }

    /// As [`acquire`](Self::acquire), in the scope that is open in this task.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and [`tenancy_core::Error::NoScope`] where none is open.
    pub async fn acquire_current(&self) -> Result<TenantConnection<'static>, Error> {
        self.acquire_owned(TenantScope::current()?).await
    }

    /// A transaction in which the scope is open. One round trip; the commit is another.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn begin<'s>(&self, scope: &'s TenantScope) -> Result<TenantTransaction<'s>, Error> {
        self.begin_isolated(scope, Isolation::default()).await
    }

    /// As [`begin`](Self::begin), at an isolation level. It can't be set later: opening the scope is
    /// the transaction's first query. (`SET TRANSACTION READ ONLY` can.)
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn begin_isolated<'s>(
        &self,
        scope: &'s TenantScope,
        isolation: Isolation,
    ) -> Result<TenantTransaction<'s>, Error> {
        let begun = self.tenants.begun_by(scope, isolation, &SqlxBegins).await?;
        Ok(TenantTransaction::new(begun))
    }

    /// As [`begin`](Self::begin), from a ticket.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    #[allow(clippy::needless_pass_by_value)] // a ticket is given away
    pub async fn begin_owned(
        &self,
        scope: TenantScope,
    ) -> Result<TenantTransaction<'static>, Error> {
        let isolation = Isolation::default();
        let begun = self
            .tenants
            .begun_by(&scope, isolation, &SqlxBegins)
            .await?;
        Ok(TenantTransaction::new(begun))
    }

    /// The transaction of the request that `scope` was opened for: begun by whoever asks first, and
    /// the same one for whoever asks later. It is committed or rolled back with the answer to the
    /// request, where the integration's layer was told `.transaction_per_request()`.
    ///
    /// One handle at a time: drop it, or hand `&mut` of it down, before the next is asked for. A
    /// connection that is [`acquire`](Self::acquire)d beside it is a second one of the tenant's, and sees
    /// nothing of what is not committed.
    ///
    /// ```no_run
    /// # use tenancy_core::TenantScope;
    /// # use tenancy_sqlx::{Error, postgres::TenantPool};
    /// async fn rename(db: &TenantPool, scope: &TenantScope, title: &str) -> Result<(), Error> {
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

    /// Whether both are handles on one pool.
    pub fn is_same(&self, other: &Self) -> bool {
        self.tenants.is_same(&other.tenants)
    }

    /// Runs `work` in a transaction: `Ok` commits; an error, a panic or a dropped future rolls
    /// back. Dropped while the commit is under way, it may be committed all the same.
    ///
    /// A body whose errors all come through `?` needs its type written:
    /// `async |tx| -> Result<_, AppError> { .. }`.
    ///
    /// # Errors
    /// What `work` returns, as it is; before it what [`begin`](Self::begin) fails with, and after
    /// it what [`commit`](TenantTransaction::commit) does.
    #[allow(clippy::manual_async_fn)] // `Send`, whatever the caller's `F` is, has to be said
    pub fn transaction<'a, T, E, F>(
        &'a self,
        scope: &'a TenantScope,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>
            + for<'c> TxFn<'c, PgConnection, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        async move {
            let mut transaction = self.begin(scope).await?;
            let value = TxFn::call(work, &mut **transaction).await?;
            transaction.commit().await?;
            Ok(value)
        }
    }

    /// Looks for holes, now: the whole verification, with the findings that were accepted too.
    ///
    /// # Errors
    /// [`PoolError::NeedsTenant`](super::PoolError::NeedsTenant) where every connection is one
    /// tenant's; else as [`acquire`](Self::acquire), where the database can't be asked.
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        Ok(self.tenants.verify().await?)
    }

    /// As [`verify`](Self::verify), on a connection of this tenant's: its login, its schema or its
    /// database, and what it shares with others.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), where the database can't be asked.
    pub async fn verify_for(&self, scope: &TenantScope) -> Result<Vec<Finding>, Error> {
        Ok(self.tenants.verify_for(scope).await?)
    }

    /// Empties this tenant's shelf, and closes the connections of its own login: its right has ended,
    /// or its credential was changed. Those in use are not put back. Have it called by
    /// [`Tenancy::on_withdrawn`](tenancy_core::Tenancy::on_withdrawn).
    pub fn evict(&self, tenant: &TenantId) {
        self.tenants.evict(tenant);
    }

    /// Empties every tenant's shelf: as [`evict`](Self::evict), for all.
    pub fn evict_all(&self) {
        self.tenants.evict_all();
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub async fn close(&self) {
        self.tenants.close().await;
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.tenants.status()
    }

    async fn bound(&self, scope: &TenantScope) -> Result<Checkout<Sqlx>, Error> {
        loop {
            let mut checkout = self.tenants.bound(scope).await?;
            if checkout.silent_for() < TRUSTED_FOR {
                return Ok(checkout);
            }
            if let Ok(Ok(())) = timeout(ANSWERS_WITHIN, checkout.ping()).await {
                return Ok(checkout);
            }
            checkout.spoil();
        }
    }
}

impl fmt::Debug for TenantPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantPool")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
