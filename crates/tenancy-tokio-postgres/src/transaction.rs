//! A transaction that is bound to a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use deadpool_postgres::ClientWrapper;
use futures_util::FutureExt as _;
use tenancy_core::{CentralScope, TenantScope};
use tenancy_postgres::ident::Identifier;
use tenancy_postgres_pool::{Checkout, Error as PoolError, StillOpen};

use crate::driver::rows;
use crate::{Error, TokioPostgres};

/// A transaction in which one tenant's scope is open, and which ends with it.
pub type TenantTransaction<'s> = ScopedTransaction<'s, TenantScope>;

/// A transaction above the wall, for work across tenants.
pub type CentralTransaction<'s> = ScopedTransaction<'s, CentralScope>;

/// A transaction for the scope `S`, which it may not outlive. Derefs to [`TransactionClient`], and
/// through it to deadpool-postgres's and tokio-postgres's clients.
///
/// Dropped without [`commit`](Self::commit), it is rolled back.
///
/// The clients are there by shared reference only, so that nobody begins another transaction in it,
/// whose end would be this one's: [`savepoint`](TransactionClient::savepoint) takes that place. For code
/// that wants [`tokio_postgres::Transaction`], acquire a client, and begin it there.
pub struct ScopedTransaction<'s, S> {
    client: TransactionClient,
    scope: PhantomData<&'s S>,
}

impl<S> ScopedTransaction<'_, S> {
    pub(crate) fn new((checkout, still_open): (Checkout<TokioPostgres>, StillOpen)) -> Self {
        let client = TransactionClient {
            checkout,
            still_open,
        };
        Self {
            client,
            scope: PhantomData,
        }
    }

    /// Saves what was done. One round trip.
    ///
    /// In the same message it asks the database whether this is still the transaction that was
    /// begun, and whether it is sound: PostgreSQL answers `COMMIT` to a failed transaction, or to
    /// none, as if all were well.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself,
    /// [`PoolError::TransactionFailed`] where a statement failed and its error was passed over,
    /// [`PoolError::Commit`] where the database refused, such as for a deferred constraint: in these
    /// nothing is saved by this commit. [`PoolError::CommitUnknown`] where the connection was lost in
    /// the midst of it.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.client.end("COMMIT").await?)
    }

    /// Takes back what was done. Dropping does the same, without waiting.
    ///
    /// # Errors
    /// [`PoolError::TransactionOver`] where SQL ran `COMMIT` or `ROLLBACK` itself, so that something
    /// may be saved; [`PoolError::CommitUnknown`] where the connection was lost, and the database rolls
    /// back by itself.
    pub async fn rollback(self) -> Result<(), Error> {
        match self.client.end("ROLLBACK").await {
            // What failed is taken back when this is dropped, now.
            Ok(()) | Err(PoolError::TransactionFailed) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl<S> Deref for ScopedTransaction<'_, S> {
    type Target = TransactionClient;

    fn deref(&self) -> &TransactionClient {
        &self.client
    }
}

impl<S> DerefMut for ScopedTransaction<'_, S> {
    fn deref_mut(&mut self) -> &mut TransactionClient {
        &mut self.client
    }
}

impl<S> fmt::Debug for ScopedTransaction<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTransaction").finish_non_exhaustive()
    }
}

/// The client of a transaction: what the closures of `transaction` get. Derefs to the driver's own.
pub struct TransactionClient {
    checkout: Checkout<TokioPostgres>,
    still_open: StillOpen,
}

impl TransactionClient {
    /// A point to which what comes now can be taken back. One round trip; dropped, it is taken back.
    ///
    /// # Errors
    /// [`Error::Pool`] for a name that is none, [`Error::Statement`] where the database refuses.
    pub async fn savepoint(&mut self, name: &str) -> Result<Savepoint<'_>, Error> {
        let name = Identifier::new(name)?.quoted();
        // Before it is sent, so that a dropped future takes it back.
        let savepoint = Savepoint {
            client: Some(self),
            name,
        };
        let sql = format!("SAVEPOINT {}", savepoint.name);
        savepoint.batch_execute(&sql).await?;
        Ok(savepoint)
    }

    async fn end(&self, how: &'static str) -> Result<(), PoolError> {
        let end = self.still_open.end(how)?;
        let answer = self.checkout.simple_query(end.sql()).await;
        end.judge(
            &TokioPostgres::new(crate::Tls::none()),
            answer.map(|messages| rows(&messages)),
        )
    }
}

impl Deref for TransactionClient {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.checkout
    }
}

impl fmt::Debug for TransactionClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionClient").finish_non_exhaustive()
    }
}

/// A point in a transaction to which what came after can be taken back.
pub struct Savepoint<'t> {
    /// `None` once it has ended.
    client: Option<&'t mut TransactionClient>,
    name: String,
}

impl Savepoint<'_> {
    /// Keeps what was done, as far as the transaction does.
    ///
    /// # Errors
    /// [`Error::Statement`] where the database refuses; then it is taken back.
    pub async fn release(mut self) -> Result<(), Error> {
        let sql = format!("RELEASE SAVEPOINT {}", self.name);
        self.batch_execute(&sql).await?;
        self.client = None;
        Ok(())
    }

    /// Takes back what was done since.
    ///
    /// # Errors
    /// [`Error::Statement`] where the database refuses.
    pub async fn rollback(self) -> Result<(), Error> {
        let sql = back(&self.name);
        Ok(self.batch_execute(&sql).await?)
    }
}

fn back(name: &str) -> String {
    format!("ROLLBACK TO SAVEPOINT {name}")
}

impl Deref for Savepoint<'_> {
    type Target = ClientWrapper;

    #[allow(clippy::expect_used)] // taken by `release`, which ends it
    fn deref(&self) -> &ClientWrapper {
        self.client
            .as_deref()
            .expect("a savepoint has its client until it ends")
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // On the wire before whatever comes next on this connection.
            let _sent = client.simple_query_raw(&back(&self.name)).now_or_never();
        }
    }
}

impl fmt::Debug for Savepoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Savepoint").finish_non_exhaustive()
    }
}
