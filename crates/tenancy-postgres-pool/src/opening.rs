//! How a scope is opened on a clean connection.

use tenancy_postgres::seal::Proof;

use crate::Row;

/// What opens a scope on one connection, once.
#[derive(Debug)]
#[must_use = "the connection is not used again before this was sent, and answered"]
pub enum Opening {
    /// A proof for the challenge of this very connection.
    Proof(Proof),
    /// Nothing: the scope is open already, or there is none.
    Nothing,
}

impl Opening {
    /// The one statement that opens it. `None` where there is nothing to open.
    pub fn sql(&self) -> Option<String> {
        match self {
            Self::Proof(proof) => Some(proof.enter_sql()),
            Self::Nothing => None,
        }
    }

    /// Whether the last row of the answer is the answer to this very opening. Another one means that
    /// the connection is out of step: drop it.
    pub fn is_answered_by(&self, rows: &[Row]) -> bool {
        let answer = rows.last().and_then(|row| row.first()?.as_deref());
        match self {
            Self::Proof(proof) => answer.is_some_and(|answer| proof.is_answered_by(answer)),
            Self::Nothing => true,
        }
    }
}
