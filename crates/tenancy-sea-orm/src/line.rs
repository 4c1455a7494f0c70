//! One bound connection, and everyone's turn on it.
//!
//! SeaORM's traits take `&self`, and a transaction of theirs owns what it runs on: so the connection
//! is shared, and each statement waits for its turn. A future that is dropped gives its turn back;
//! what it left unanswered, SQLx reads before the next answer.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgConnection;
use tenancy_postgres_pool::Error as PoolError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Error;
use crate::held::{Held, How};
use crate::levels::Levels;
use crate::message::told;

pub(crate) struct Line<'s> {
    one_at_a_time: Arc<Semaphore>,
    /// `None` during a turn, and once the transaction that was checked out has ended.
    held: Mutex<Option<Held<'s>>>,
    levels: Mutex<Levels>,
}

impl<'s> Line<'s> {
    pub(crate) fn new(held: Held<'s>) -> Arc<Self> {
        Arc::new(Self {
            one_at_a_time: Arc::new(Semaphore::new(1)),
            held: Mutex::new(Some(held)),
            levels: Mutex::default(),
        })
    }

    /// A turn, after those who gave up are taken back.
    pub(crate) async fn turn(self: Arc<Self>) -> Result<Turn<'s>, Error> {
        let permit = Arc::clone(&self.one_at_a_time).acquire_owned().await;
        let mut turn = Turn::new(self, permit.map_err(|_| Error::Ended)?)?;
        loop {
            let Some((id, sql)) = turn.levels().to_take_back() else {
                return Ok(turn);
            };
            match told(&mut turn, &sql).await {
                Ok(Some(_)) => turn.levels().ended(id),
                // It had not begun. With this the transaction around it has failed, if it had not
                // before, and the server refuses what comes.
                Err(error) if error.is_no_savepoint() => turn.levels().ended(id),
                Ok(None) => return Err(turn.out_of_step()),
                Err(error) => {
                    // What is left of the transaction around it is not known.
                    turn.levels().close();
                    return Err(error.into());
                }
            }
        }
    }

    /// Ends the transaction that was checked out.
    pub(crate) async fn end(self: Arc<Self>, how: How) -> Result<(), Error> {
        if how == How::Commit && self.levels().is_held() {
            // Not behind whoever has it, who may wait for this.
            self.give_up();
            return Err(Error::NestedOpen);
        }
        let mut turn = self.turn().await?;
        let nested = {
            let mut levels = turn.levels();
            levels.close();
            !levels.is_empty()
        };
        let transaction = turn.held.take().ok_or(Error::Ended)?;
        match how {
            // Dropped, it is rolled back.
            How::Commit if nested => Err(Error::NestedOpen),
            how => transaction.end(how).await,
        }
    }

    /// Ends it without waiting, unless it has ended.
    pub(crate) fn give_up(&self) {
        self.levels().close();
        // Where it is not here, the one whose turn it is drops it.
        let held = self.held().take();
        drop(held);
    }

    pub(crate) fn levels(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, Option<Held<'s>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection, while it is somebody's turn.
pub(crate) struct Turn<'s> {
    /// `None` once it has ended.
    held: Option<Held<'s>>,
    line: Arc<Line<'s>>,
    // Last, so that whoever is next finds the connection.
    _permit: OwnedSemaphorePermit,
}

impl<'s> Turn<'s> {
    fn new(line: Arc<Line<'s>>, permit: OwnedSemaphorePermit) -> Result<Self, Error> {
        let held = line.held().take();
        if held.is_none() || line.levels().is_over() {
            return Err(Error::Ended);
        }
        Ok(Self {
            held,
            line,
            _permit: permit,
        })
    }

    /// Whether a transaction was checked out, rather than a connection.
    pub(crate) fn is_transaction(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_transaction())
    }

    pub(crate) fn levels(&self) -> MutexGuard<'_, Levels> {
        self.line.levels()
    }

    /// Nothing more is run.
    pub(crate) fn out_of_step(&self) -> Error {
        self.levels().close();
        PoolError::OutOfStep.into()
    }
}

impl Deref for Turn<'_> {
    type Target = PgConnection;

    #[allow(clippy::expect_used)] // taken by `Line::end` and `drop`, which end the turn
    fn deref(&self) -> &PgConnection {
        let held = self.held.as_ref();
        held.expect("a turn has its connection until it ends")
            .connection()
    }
}

impl DerefMut for Turn<'_> {
    #[allow(clippy::expect_used)] // as above
    fn deref_mut(&mut self) -> &mut PgConnection {
        let held = self.held.as_mut();
        held.expect("a turn has its connection until it ends")
            .connection_mut()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let held = self.held.take();
        let mut place = self.line.held();
        // Under the lock: whoever closes it after this finds the connection there.
        if !self.line.levels().is_over() {
            *place = held;
        }
    }
}
