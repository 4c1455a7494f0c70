//! SQLx's connection, on loan.

use std::fmt;
use std::ops::{Deref, DerefMut};

use sqlx::postgres::PgConnection;

use crate::line::Turn;

/// SQLx's own connection, for `sqlx::query` and [`BulkInsert`](crate::BulkInsert). Whatever else is run
/// on what it was taken from waits until this is dropped.
pub struct DriverConnection<'a> {
    turn: Box<dyn DerefMut<Target = PgConnection> + Send + 'a>,
}

impl<'a> DriverConnection<'a> {
    pub(crate) fn new(turn: Turn<'a>) -> Self {
        Self {
            turn: Box::new(turn),
        }
    }
}

impl Deref for DriverConnection<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.turn
    }
}

impl DerefMut for DriverConnection<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.turn
    }
}

impl fmt::Debug for DriverConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverConnection").finish_non_exhaustive()
    }
}
