//! Tenancy for [tokio-postgres](tokio_postgres), with the clients of
//! [deadpool-postgres](deadpool_postgres): PostgreSQL, row-level, a schema or a database for each
//! tenant ([`Separation`]).
//!
//! [`TenantPool`] connects as the runtime role, looks for holes, and hands out nothing but clients
//! and transactions that are bound to a [`TenantScope`](tenancy_core::TenantScope). [`CentralPool`] is
//! the other login, for work across tenants.
//!
//! Who enforces what: the database stops every statement at the wall, raw SQL included. This crate
//! answers for the rest: that a connection is clean before a scope is opened on it, and after.
//!
//! # One round trip
//! What opens a scope is put on the wire ahead of the first statement, and not waited for: a scoped
//! prepared read costs one trip, cold or warm, and a transaction of n statements n + 1. Where the
//! database refuses the scope, the statements behind it are refused too, since none is open.
//!
//! # A query that is dropped
//! is cancelled on the server, and its connection closed.

mod admin;
mod bulk;
mod central_pool;
mod client;
mod connector;
mod driver;
mod error;
mod one_shot;
mod scoped_database;
mod stream;
mod tenant_pool;
mod transaction;

pub use admin::{apply, apply_wall, declare_shared, install};
pub use bulk::BulkInsert;
pub use central_pool::CentralPool;
pub use client::{CentralClient, ScopedClient, TenantClient};
pub use connector::{Tls, config, is_lost};
pub use driver::{Connection, TokioPostgres};
pub use error::Error;
pub use stream::TenantRows;
pub use tenant_pool::TenantPool;
pub use transaction::{
    CentralTransaction, Savepoint, ScopedTransaction, TenantTransaction, TransactionClient,
};

pub use tenancy_core::TxFn;
pub use tenancy_postgres::key::SealingKey;
pub use tenancy_postgres::seal::TenantKind;
pub use tenancy_postgres::verify::Finding;
pub use tenancy_postgres_pool::{
    CentralPoolBuilder, Credential, CredentialFuture, CredentialProvider, DriverError,
    Error as PoolError, Findings, Isolation, PoolStatus, SEALING_KEY_VARIABLE, Separation,
    StepReport, TenantPoolBuilder,
};
