//! PostgreSQL: the database keeps the tenants apart, and the pool says which one it is.
//!
//! [`TenantPool`] connects as the runtime role, looks for holes, and hands out nothing but
//! connections and transactions that are bound to a [`TenantScope`](tenancy_core::TenantScope).
//! [`CentralPool`] is the other login, for work across tenants. [`install`] and [`apply_wall`] put
//! into the database what both rest on. Tenants share tables unless the builder is given another
//! [`Separation`]; what is run in a scope is written the same for all of them. For code that takes a
//! `PgPool` and can't be changed today there is [`AmbientPool`].
//!
//! Who enforces what: the database stops every statement at the wall, raw SQL included, in every
//! separation but routed schemas. This module answers for the rest: that no connection is used before its scope is known to be open, and that
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
//! | `COMMIT` or `ROLLBACK` as SQL in a transaction | the scope ends with it, and the commit is [`TransactionOver`](PoolError::TransactionOver) |
//! | an error in a transaction that is passed over | the commit is [`TransactionFailed`](PoolError::TransactionFailed) |
//! | a transaction that is never committed | rolled back when it is dropped |
//! | `std::mem::swap` of two connections | each stays its tenant's, and neither is used again |
//! | `std::mem::forget` of a checkout | its place in the pool is lost, and no scope with it |
//!
//! A streamed response body can't borrow a checkout: [`TenantPool::stream`] owns what it needs.
//!
//! # Round trips
//! SQLx can't send one statement behind another, so opening a scope is a trip of its own, except where
//! the tenant's last connection still waits on its shelf, bound. A transaction begins and opens its
//! scope in one, and commits in one.
//!
//! # A query that is dropped
//! has its connection closed; the server looks at its sockets ten times a second, and ends it. SQLx
//! does not hand out the key to cancel it with.

mod admin;
mod ambient;
mod bulk;
mod central_pool;
mod connection;
mod driver;
mod explain;
mod slot;
mod stream;
mod tenant_pool;
mod transaction;

pub use admin::{apply, apply_wall, declare_shared, install};
pub use ambient::{AmbientPool, AmbientPoolBuilder};
pub use bulk::BulkInsert;
pub use central_pool::CentralPool;
pub use connection::{CentralConnection, ScopedConnection, TenantConnection};
pub use driver::Sqlx;
pub use explain::explain;
pub(crate) use explain::is_copy_from;
pub use slot::Connection;
pub use stream::RowStream;
pub use tenant_pool::TenantPool;
pub use transaction::{CentralTransaction, ScopedTransaction, TenantTransaction};

pub use tenancy_postgres::key::SealingKey;
pub use tenancy_postgres::seal::TenantKind;
pub use tenancy_postgres::verify::Finding;
pub use tenancy_postgres_pool::{
    Credential, CredentialFuture, CredentialProvider, DriverError, Error as PoolError, Findings,
    Isolation, PoolStatus, SEALING_KEY_VARIABLE, Separation, StepReport,
};

/// Settings of a [`TenantPool`].
pub type TenantPoolBuilder = tenancy_postgres_pool::TenantPoolBuilder<Sqlx>;

/// Settings of a [`CentralPool`].
pub type CentralPoolBuilder = tenancy_postgres_pool::CentralPoolBuilder<Sqlx>;
