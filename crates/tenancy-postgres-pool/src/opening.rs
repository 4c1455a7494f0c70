//! How a scope is opened on a clean connection.

use tenancy_postgres::schema::TenantSchema;
use tenancy_postgres::seal::{Binding, Proof};

use crate::Row;

/// What opens a scope on one connection, once.
#[derive(Debug)]
#[must_use = "the connection is not used again before this was sent, and answered"]
pub enum Opening {
    /// A proof for the challenge of this very connection.
    Proof(Proof),
    /// A search path.
    Schema {
        /// The schema that it leads to.
        schema: TenantSchema,
        /// For how long.
        binding: Binding,
    },
    /// Nothing: the connection is the tenant's own, or there is no scope to open.
    Nothing,
}

impl Opening {
    /// The one statement that opens it. `None` where there is nothing to open.
    pub fn sql(&self) -> Option<String> {
        match self {
            Self::Proof(proof) => Some(proof.enter_sql()),
            Self::Schema { schema, binding } => Some(schema.bind_sql(*binding)),
            Self::Nothing => None,
        }
    }

    /// Whether the last row of the answer is the answer to this very opening. Another one means that
    /// the connection is out of step, or the place not the tenant's: drop it.
    pub fn is_answered_by(&self, rows: &[Row]) -> bool {
        let last: Option<Vec<_>> = rows
            .last()
            .map(|row| row.iter().map(Option::as_deref).collect());
        match (self, last.as_deref()) {
            (Self::Proof(proof), Some([Some(answer), ..])) => proof.is_answered_by(answer),
            (Self::Schema { schema, .. }, Some(row)) => schema.is_bound_by(row),
            (Self::Nothing, _) => true,
            _ => false,
        }
    }
}
