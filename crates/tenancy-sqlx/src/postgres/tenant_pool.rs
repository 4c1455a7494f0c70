//! The pool of one wall: every connection it hands out is bound to one tenant.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use tenancy_core::TenantScope;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::seal::{Binding, Proof, TenantKind};
use tenancy_postgres::verify::Finding;
use tokio::time::Instant;

use super::builder::TenantPoolBuilder;
use super::capacity::{Checkout, PoolStatus};
use super::connection::TenantConnection;
use super::slot::Stage;
use super::transaction::{Isolation, StillOpen, TenantTransaction};
use super::verbs::{Guarded, begin, try_another, within};
use super::wire::{message, opening_failed, text};
use crate::{Error, TxFn};

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
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) guarded: Guarded,
    pub(super) key: SealingKey,
    pub(super) kind: TenantKind,
}

impl TenantPool {
    /// Connects as the runtime role, with the sealing key from the environment's
    /// `TENANCY_SEALING_KEY`, and looks for holes before anything is handed out.
    ///
    /// # Errors
    /// [`Error::Unsafe`] lists each hole with its mend. [`Error::NoSealingKey`], [`Error::Url`],
    /// [`Error::Connect`] or [`Error::ServerTimedOut`] where it did not come so far.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// A pool with settings of its own.
    pub fn builder(url: &str) -> TenantPoolBuilder {
        TenantPoolBuilder::new(url)
    }

    pub(super) fn assemble(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A connection on which the scope is open until it is dropped. One round trip.
    ///
    /// # Errors
    /// [`Error::Scope`] where the scope has ended or another one is open here;
    /// [`Error::PoolTimedOut`] where all connections are in use for too long; [`Error::Refused`]
    /// where the database refuses the scope; [`Error::Connect`], [`Error::Lost`] or
    /// [`Error::ServerTimedOut`] where it can't be reached. In all of these nothing was run.
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
        self.begun(scope, Isolation::default()).await
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
        self.begun(scope, isolation).await
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
        self.begun(&scope, Isolation::default()).await
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
    /// As [`acquire`](Self::acquire), where the database can't be asked.
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        self.inner.guarded.verify().await
    }

    /// Refuses new checkouts, waits for those that are out, and closes every connection.
    pub async fn close(&self) {
        self.inner.guarded.capacity.close().await;
    }

    /// How many connections there are.
    pub fn status(&self) -> PoolStatus {
        self.inner.guarded.capacity.status()
    }

    pub(super) async fn ready(&self, deadline: Instant) -> Result<Checkout, Error> {
        self.inner.guarded.ready(deadline).await
    }

    async fn bound(&self, scope: &TenantScope) -> Result<Checkout, Error> {
        scope.ensure_usable()?;
        let deadline = self.inner.guarded.capacity.deadline();
        loop {
            let mut checkout = self.ready(deadline).await?;
            // It may have ended while this waited for its turn.
            scope.ensure_usable()?;
            let reused = checkout.reused;
            match within(deadline, self.enter(&mut checkout, scope)).await {
                Ok(()) => return Ok(checkout),
                Err(error) if try_another(reused, &error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn enter(&self, checkout: &mut Checkout, scope: &TenantScope) -> Result<(), Error> {
        let proof = self.prove(checkout, scope, Binding::Session)?;
        let rows = message(checkout, proof.enter_sql())
            .await
            .map_err(opening_failed)?;
        let answer = rows.last().and_then(|row| text(row, 0));
        if !answer.is_some_and(|answer| proof.is_answered_by(answer)) {
            return Err(Error::OutOfStep);
        }
        checkout.opened();
        Ok(())
    }

    async fn begun<'s>(
        &self,
        scope: &TenantScope,
        isolation: Isolation,
    ) -> Result<TenantTransaction<'s>, Error> {
        scope.ensure_usable()?;
        let deadline = self.inner.guarded.capacity.deadline();
        loop {
            let checkout = self.ready(deadline).await?;
            scope.ensure_usable()?;
            let reused = checkout.reused;
            let proof = self.prove(&checkout, scope, Binding::Transaction)?;
            let sql = format!("{}; {}", isolation.begin_sql(), proof.enter_sql());
            match begin(checkout, deadline, sql).await {
                Ok((transaction, way_back)) => {
                    return Ok(TenantTransaction::new(
                        transaction,
                        StillOpen::Scope,
                        way_back,
                    ));
                }
                Err(error) if try_another(reused, &error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Uses the challenge up: whatever happens now, the connection is not clean any more.
    fn prove(
        &self,
        checkout: &Checkout,
        scope: &TenantScope,
        binding: Binding,
    ) -> Result<Proof, Error> {
        let state = checkout.state()?;
        let Stage::Clean(challenge) = state.replace(Stage::Opening) else {
            return Err(Error::OutOfStep);
        };
        let Inner { key, kind, .. } = &*self.inner;
        match key.prove(scope.tenant_id(), *kind, binding, &challenge) {
            Ok(proof) => Ok(proof),
            Err(error) => {
                // Nothing was sent.
                state.replace(Stage::Clean(challenge));
                Err(error.into())
            }
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
