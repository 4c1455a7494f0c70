//! Tenancy for [SQLx](sqlx): PostgreSQL with shared tables, or a schema or a database for each tenant,
//! and SQLite with a database for each tenant.
//!
//! Switch on the feature `postgres` or `sqlite`. Both offer the same verbs over a scope:
//! `acquire`, `begin` and `transaction`; what they hand out is the driver's own type, so that
//! `sqlx::query*` works as it always does.

mod error;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod scoped_database;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use error::{DriverError, Error};
pub use tenancy_core::TxFn;
