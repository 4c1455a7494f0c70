//! What a handle has of a line: its place among the transactions that are open on it.

use std::future::Future;
use std::sync::Arc;

use sea_orm::TransactionOptions;
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres_pool::Error as PoolError;

use crate::held::{Held, How};
use crate::levels::{Begun, LevelId, savepoint};
use crate::line::{Line, Turn};
use crate::message::{Told, begin_sql, savepoint_sql, text, told};
use crate::{Error, ScopedTransaction};

/// Of what was checked out, or of a transaction that was begun on it.
#[derive(Clone)]
pub(crate) struct Place<'s> {
    line: Arc<Line<'s>>,
    of: Option<LevelId>,
}

impl<'s> Place<'s> {
    /// Of what was checked out.
    pub(crate) fn first(held: Held<'s>) -> Self {
        Self {
            line: Line::new(held),
            of: None,
        }
    }

    /// Waits for its turn. The future borrows nothing, for else the compiler can't see that it is
    /// `Send`.
    pub(crate) fn turn(&self) -> impl Future<Output = Result<Turn<'s>, Error>> + Send + use<'s> {
        self.clone().wait()
    }

    async fn wait(self) -> Result<Turn<'s>, Error> {
        let turn = self.line.turn().await?;
        let refused = match self.of {
            Some(id) if !turn.levels().is_open(id) => Some(Error::Ended),
            None if !turn.is_transaction() && !turn.levels().is_empty() => {
                Some(Error::InTransaction)
            }
            _ => None,
        };
        refused.map_or(Ok(turn), Err)
    }

    /// Begins a transaction: the connection's own, or one inside that.
    pub(crate) async fn begin<S: 'static>(
        self,
        options: TransactionOptions,
    ) -> Result<ScopedTransaction<'s, S>, Error> {
        let mut turn = self.turn().await?;
        let (id, sql) = if turn.is_transaction() || self.of.is_some() {
            let id = turn.levels().push(Begun::Savepoint);
            (id, savepoint_sql(options, &savepoint(id)))
        } else {
            let mark = Nonce::random()?;
            let sql = begin_sql(options, &mark);
            (turn.levels().push(Begun::Marked(mark)), sql)
        };
        // Before it is sent, so that a dropped future takes it back.
        let begun = ScopedTransaction::new(Self {
            line: self.line,
            of: Some(id),
        });
        match told(&mut turn, &sql).await? {
            Some(_) => Ok(begun),
            None => Err(turn.out_of_step()),
        }
    }

    /// Ends the transaction that this is the place of.
    pub(crate) async fn end(self, how: How) -> Result<(), Error> {
        let Some(id) = self.of else {
            return self.line.end(how).await;
        };
        let line = Arc::clone(&self.line);
        match self.end_nested(id, how).await {
            Err(Error::Pool(PoolError::TransactionFailed)) if how == How::Rollback => {
                line.levels().abandon(id);
                line.turn().await.map(drop)
            }
            ended => ended,
        }
    }

    async fn end_nested(self, id: LevelId, how: How) -> Result<(), Error> {
        let mut turn = self.turn().await?;
        let sql = {
            let levels = turn.levels();
            if how == How::Commit && !levels.is_innermost(id) {
                return Err(Error::NestedOpen);
            }
            levels.end_sql(id, how).ok_or(Error::Ended)?
        };
        let answer = told(&mut turn, &sql).await.map_err(Told::ending)?;
        let Some(rows) = answer else {
            turn.levels().close();
            return Err(PoolError::CommitUnknown(None).into());
        };
        if rows.first().and_then(|row| text(row, 0)) != Some("true") {
            return Err(PoolError::TransactionOver.into());
        }
        turn.levels().ended(id);
        Ok(())
    }

    /// Nobody will end this transaction: it is taken back before anything else runs, unless it has
    /// ended.
    pub(crate) fn give_up(&self) {
        match self.of {
            Some(id) => self.line.levels().abandon(id),
            None => self.line.give_up(),
        }
    }
}
