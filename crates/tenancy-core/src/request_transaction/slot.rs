//! Where a request's transaction is while nobody uses it.

use std::any::Any;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::{NoRequestTransaction, NotSaved, TransactionalDatabase};
use crate::BoxError;

/// How long an answer that saves nothing waits for the rollback. What its handler gave up on may run
/// still, and a pool cancels only what is dropped.
const ROLLBACK_PATIENCE: Duration = Duration::from_millis(250);

/// A scope's place for its request's transaction.
pub(crate) struct Slot(Mutex<State>);

enum State {
    /// Nobody would end it.
    Off,
    Unbegun,
    Resting(Box<dyn Resting>),
    /// A handle has it, or begins it.
    InUse,
    GivenUp,
    Over,
    /// Over as well, and what was begun is not known to be saved.
    Lost,
}

/// A transaction of any adapter's.
trait Resting: Send {
    fn end(self: Box<Self>, save: bool) -> BoxFuture<'static, Result<(), BoxError>>;

    fn as_any(&self) -> &dyn Any;

    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// A transaction, with the pool that it came from.
pub(super) struct Begun<D: TransactionalDatabase> {
    pub(super) pool: D,
    pub(super) transaction: D::Transaction,
}

impl<D: TransactionalDatabase> Resting for Begun<D> {
    fn end(self: Box<Self>, save: bool) -> BoxFuture<'static, Result<(), BoxError>> {
        let Self { transaction, .. } = *self;
        let ended = async move {
            if save {
                D::commit(transaction).await
            } else {
                D::rollback(transaction).await
            }
        };
        ended.map(|ended| ended.map_err(Into::into)).boxed()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Slot {
    pub(crate) const fn off() -> Self {
        Self(Mutex::new(State::Off))
    }

    pub(crate) fn switch_on(&self) {
        let mut state = self.lock();
        if let State::Off = *state {
            *state = State::Unbegun;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.lock(), State::Off | State::Over | State::Lost)
    }

    /// Takes the transaction, if one was begun. Whoever does puts it back, or says that it is none.
    pub(super) fn take<D: TransactionalDatabase>(
        &self,
        pool: &D,
    ) -> Result<Option<Begun<D>>, NoRequestTransaction> {
        let mut state = self.lock();
        match &*state {
            State::Off => return Err(NoRequestTransaction::Off),
            State::InUse => return Err(NoRequestTransaction::InUse),
            State::GivenUp => return Err(NoRequestTransaction::GivenUp),
            State::Over | State::Lost => return Err(NoRequestTransaction::Over),
            State::Resting(begun) => {
                let begun = begun.as_any().downcast_ref::<Begun<D>>();
                if !begun.is_some_and(|begun| begun.pool.is_same_pool(pool)) {
                    return Err(NoRequestTransaction::AnotherPool);
                }
            }
            State::Unbegun => {}
        }
        match mem::replace(&mut *state, State::InUse) {
            State::Resting(begun) => Ok(begun.into_any().downcast().ok().map(|begun| *begun)),
            _ => Ok(None),
        }
    }

    /// What was taken is back. `None`: none was begun after all.
    pub(super) fn put<D: TransactionalDatabase>(&self, begun: Option<Begun<D>>) {
        let resting = begun.map(|begun| Box::new(begun) as Box<dyn Resting>);
        let mut state = self.lock();
        let late = match &*state {
            State::InUse => {
                *state = resting.map_or(State::Unbegun, State::Resting);
                None
            }
            // The answer has begun meanwhile.
            _ => resting,
        };
        // Not while it is locked: dropping it rolls back, which is the adapter's own code.
        drop(state);
        drop(late);
    }

    /// What was taken is not whole.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        if let State::InUse = *state {
            *state = State::GivenUp;
        }
    }

    /// Ends it for good: saved, or taken back.
    pub(crate) async fn end(&self, save: bool) -> Result<(), NotSaved> {
        match self.over() {
            State::Resting(begun) if save => {
                begun.end(true).await.map_err(NotSaved::Commit)?;
                *self.lock() = State::Over;
                Ok(())
            }
            State::Resting(begun) => {
                match timeout(ROLLBACK_PATIENCE, begun.end(false)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "a request's transaction is not known to be rolled back");
                    }
                    Err(_) => {
                        tracing::debug!("a request's transaction is rolled back by its drop");
                    }
                }
                Ok(())
            }
            State::InUse if save => Err(NotSaved::InUse),
            State::GivenUp if save => Err(NotSaved::GivenUp),
            State::Lost if save => Err(NotSaved::Lost),
            _ => Ok(()),
        }
    }

    /// Ends it for good, by dropping what rests: the scope is over.
    pub(crate) fn abandon(&self) {
        drop(self.over());
    }

    /// Nobody begins it or goes on with it from here on. What it was until now.
    fn over(&self) -> State {
        let mut state = self.lock();
        let over = match *state {
            State::Off | State::Unbegun | State::Over => State::Over,
            State::Resting(_) | State::InUse | State::GivenUp | State::Lost => State::Lost,
        };
        mem::replace(&mut *state, over)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
