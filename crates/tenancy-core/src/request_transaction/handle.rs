//! A handle on the request's transaction.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::TransactionalDatabase;
use super::slot::Begun;
use crate::TenantScope;
use crate::scope::TenantState;

/// A handle on the one transaction that a request has. Adapters' pools hand it out, as
/// `request_transaction`; it derefs to what the adapter's own transactions deref to.
///
/// The first who asks begins the transaction; whoever asks later, after this handle is dropped, goes
/// on with it. It ends when the handler has answered: with a success (a status below 400, or gRPC's
/// `OK`) it is committed before the answer goes out, with anything else it is rolled back, as it is
/// by a panic, or a request that is dropped before the commit is under way. What was done before a
/// part of the handler was given up, by a timeout say, is a part of it like the rest. There is no way to end it
/// from here. An answer whose transaction could not be committed is replaced by a failure.
///
/// It can't outlive its scope's borrow, so a response body can't take it along. Where it is held all
/// the same when the answer begins, in a spawned task that was given a ticket, nothing is saved, and
/// the answer is a failure.
pub struct RequestTransaction<'s, D: TransactionalDatabase> {
    /// `None` while it is begun, or dropped.
    begun: Option<Begun<D>>,
    state: Arc<TenantState>,
    scope: PhantomData<&'s TenantScope>,
}

impl<'s, D: TransactionalDatabase> RequestTransaction<'s, D> {
    /// The transaction of the request that `scope` was opened for, begun on `pool` if nobody has
    /// asked before. An adapter's `request_transaction` calls this.
    ///
    /// # Errors
    /// [`Error::RequestTransaction`](crate::Error::RequestTransaction) where the request has none, or
    /// it is in use, over, or another pool's; else as [`TransactionalDatabase::begin_owned`].
    pub async fn of(pool: &D, scope: &'s TenantScope) -> Result<Self, D::Error> {
        scope.ensure_usable()?;
        let state = scope.shared_state();
        let begun = state.transaction.take(pool).map_err(crate::Error::from)?;
        // From here on its drop puts back what was taken, also where this future is dropped.
        let mut this = Self {
            begun,
            state,
            scope: PhantomData,
        };
        if this.begun.is_none() {
            this.begun = Some(Begun {
                transaction: pool.begin_owned(scope.ticket()).await?,
                pool: pool.clone(),
            });
        }
        Ok(this)
    }
}

impl<D: TransactionalDatabase> Deref for RequestTransaction<'_, D> {
    type Target = D::Handle;

    #[allow(clippy::expect_used)] // taken by `drop` only
    fn deref(&self) -> &D::Handle {
        let begun = self.begun.as_ref();
        D::handle(
            &begun
                .expect("a transaction is there until it is dropped")
                .transaction,
        )
    }
}

impl<D: TransactionalDatabase> DerefMut for RequestTransaction<'_, D> {
    #[allow(clippy::expect_used)] // as above
    fn deref_mut(&mut self) -> &mut D::Handle {
        let begun = self.begun.as_mut();
        D::handle_mut(
            &mut begun
                .expect("a transaction is there until it is dropped")
                .transaction,
        )
    }
}

impl<D: TransactionalDatabase> Drop for RequestTransaction<'_, D> {
    fn drop(&mut self) {
        let begun = self.begun.take();
        if std::thread::panicking() {
            // Half of something may be done in it.
            self.state.transaction.give_up();
        } else {
            self.state.transaction.put(begun);
        }
    }
}

impl<D: TransactionalDatabase> fmt::Debug for RequestTransaction<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTransaction").finish_non_exhaustive()
    }
}
