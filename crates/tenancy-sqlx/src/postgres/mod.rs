//! PostgreSQL, row-level: the database keeps the tenants apart, and the pool says which one it is.
//!
//! [`TenantPool`] connects as the runtime role, looks for holes, and hands out nothing but
//! connections and transactions that are bound to a [`TenantScope`](tenancy_core::TenantScope).
//! [`CentralPool`] is the other login, for work across tenants. [`install`] and [`apply_wall`] put
//! into the database what both rest on.
//!
//! Who enforces what: the database stops every statement at the wall, raw SQL included. This module
//! answers for the rest: that no connection is used before its scope is known to be open, and that
//! none is used again before it is known to be clean. A connection of which that is not known is
//! dropped.
//!
//! The types hold a good part of it: a checkout does not outlive the scope that it was made for, and
//! a central one is not a tenant's. What compiles all the same is caught when it runs:
//!
//! | misuse | what happens |
//! |---|---|
//! | a ticket kept in a spawned task after its scope | [`ScopeEnded`](tenancy_core::Error::ScopeEnded) |
//! | the outer scope inside another `run` | [`ScopeMismatch`](tenancy_core::Error::ScopeMismatch) |
//! | `COMMIT` or `ROLLBACK` as SQL in a transaction | the scope ends with it, and the commit is [`TransactionOver`](crate::Error::TransactionOver) |
//! | an error in a transaction that is passed over | the commit is [`TransactionFailed`](crate::Error::TransactionFailed) |
//! | a transaction that is never committed | rolled back when it is dropped |
//! | `std::mem::swap` of two connections | each stays its tenant's, and neither is used again |
//! | `std::mem::forget` of a checkout | its place in the pool is lost, and no scope with it |
//!
//! A streamed response body can't borrow a checkout: [`TenantPool::stream`] owns what it needs.

mod admin;
mod builder;
mod bulk;
mod capacity;
mod central_pool;
mod connection;
mod explain;
mod scrub;
mod slot;
mod stream;
mod tenant_pool;
mod transaction;
mod trust;
mod verbs;
mod wire;

pub use admin::{StepReport, apply, apply_wall, declare_shared, install};
pub use builder::{CentralPoolBuilder, SEALING_KEY_VARIABLE, TenantPoolBuilder};
pub use bulk::BulkInsert;
pub use capacity::PoolStatus;
pub use central_pool::CentralPool;
pub use connection::{CentralConnection, ScopedConnection, TenantConnection};
pub use explain::explain;
pub use stream::RowStream;
pub use tenant_pool::TenantPool;
pub use transaction::{CentralTransaction, Isolation, ScopedTransaction, TenantTransaction};
pub use trust::Findings;

pub use tenancy_postgres::key::SealingKey;
pub use tenancy_postgres::seal::TenantKind;
pub use tenancy_postgres::verify::Finding;
