//! One turn on a connection: a statement, or a transaction. Whatever ends it before its answer is
//! there closes the connection, so that the server rolls back and nothing half done is handed on.

use super::RegistryError;
use super::backend::Pool;
use super::dialect::Dialect;
use crate::db::{Fault, FaultKind, Lane, Row, Value, fault};

/// Where statements go, and how they are written there.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) pool: Pool,
    pub(crate) dialect: Dialect,
}

pub(crate) struct Turn {
    lane: Box<dyn Lane>,
    dialect: Dialect,
    in_transaction: bool,
    ended: bool,
}

impl Turn {
    /// For a single statement.
    pub(crate) async fn alone(line: &Line) -> Result<Self, RegistryError> {
        Ok(Self {
            lane: line.pool.lane().await?,
            dialect: line.dialect.clone(),
            in_transaction: false,
            ended: false,
        })
    }

    /// In a transaction that may write.
    ///
    /// `SQLx`'s own `begin` is not used: dropped in mid-flight it leaves a pooled connection inside a
    /// transaction that the pool doesn't know of.
    pub(crate) async fn begin(line: &Line) -> Result<Self, RegistryError> {
        let mut turn = Self::alone(line).await?;
        for sql in line.dialect.begin() {
            turn.raw(sql).await?;
        }
        turn.in_transaction = true;
        Ok(turn)
    }

    pub(crate) fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    pub(crate) async fn raw(&mut self, sql: &str) -> Result<(), Fault> {
        let sql = self.dialect.sql(sql);
        self.lane.raw(sql).await.map_err(fault)
    }

    /// How many rows it touched.
    pub(crate) async fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, Fault> {
        let sql = self.dialect.sql(sql);
        self.lane.run(sql, values).await.map_err(fault)
    }

    pub(crate) async fn rows(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let sql = self.dialect.sql(sql);
        self.lane.rows(sql, values).await.map_err(fault)
    }

    /// Its connection is closed at the end, in any case.
    pub(crate) fn close_at_end(&mut self) {
        self.lane.discard();
    }

    /// The last statement outside a transaction was answered.
    pub(crate) fn end(mut self) {
        self.ended = true;
    }

    pub(crate) async fn commit(mut self) -> Result<(), RegistryError> {
        match self.raw("COMMIT").await {
            Ok(()) => {
                self.ended = true;
                Ok(())
            }
            // It answered: the transaction is refused, or still open, and dropped with its
            // connection.
            Err(fault) if fault.code.is_some() => Err(fault.into()),
            Err(_) => Err(RegistryError::Unknown),
        }
    }

    /// Gives up, and keeps the connection where the server says that it did.
    pub(crate) async fn roll_back(mut self) {
        if self.in_transaction && self.raw("ROLLBACK").await.is_ok() {
            self.ended = true;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.ended {
            self.lane.discard();
        }
    }
}

/// Whether the same transaction may go well when it is tried again.
pub(crate) fn is_passing(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Database(fault) if fault.is(FaultKind::Passing))
}
