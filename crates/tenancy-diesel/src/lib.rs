//! Tenancy for [Diesel](diesel), through [diesel-async](diesel_async): PostgreSQL, row-level,
//! a schema or a database for each tenant ([`Separation`]).
//!
//! [`TenantPool`] connects as the runtime role, looks for holes, and hands out nothing but connections
//! and transactions that are bound to a [`TenantScope`](tenancy_core::TenantScope). Each derefs to
//! [`AsyncPgConnection`](diesel_async::AsyncPgConnection), so queries, associations and functions
//! that take one stay as they are. [`CentralPool`] is the other login, for work across tenants.
//!
//! Who enforces what: the database stops every statement at the wall, raw SQL included. This crate
//! answers for the rest: that a connection is clean before a scope is opened on it, and after.
//!
//! # One round trip
//! What opens a scope is put on the wire ahead of the first statement, and not waited for: a scoped
//! read whose statement Diesel has cached costs one trip, cold or warm, and a transaction of n
//! statements n + 1. Where the database refuses the scope, the statements behind it are refused too,
//! since none is open. Diesel prepares anew what it does not cache, such as
//! [`sql_query`](diesel::sql_query), which costs one trip more.
//!
//! # A query that is dropped
//! is cancelled on the server, and its connection closed.
//!
//! # What Diesel does not show
//! No error code of the server (SQLSTATE): what the pool says of a refusal is its message alone. And
//! a pooled connection hears no notifications: `LISTEN` on a connection of your own.
//!
//! # Not through a transaction pooler
//! diesel-async prepares statements outside of transactions, so such a pool does not connect.

mod ask;
mod bulk;
mod central_pool;
mod connection;
mod driver;
mod error;
mod one_shot;
mod scoped_database;
mod stream;
mod tenant_pool;
mod transaction;
mod watch;
mod wire;

pub use bulk::BulkInsert;
pub use central_pool::CentralPool;
pub use connection::{CentralConnection, ScopedConnection, TenantConnection};
pub use driver::{Diesel, Failure};
pub use error::Error;
pub use stream::TenantRows;
pub use tenant_pool::TenantPool;
pub use transaction::{CentralTransaction, ScopedTransaction, TenantTransaction};
pub use wire::Connection;

pub use tenancy_core::TxFn;
pub use tenancy_postgres::key::SealingKey;
pub use tenancy_postgres::seal::TenantKind;
pub use tenancy_postgres::verify::Finding;
pub use tenancy_postgres_pool::{
    CentralPoolBuilder, Credential, CredentialFuture, CredentialProvider, DriverError,
    Error as PoolError, Findings, Isolation, PoolStatus, SEALING_KEY_VARIABLE, Separation,
    StepReport, TenantPoolBuilder,
};
/// The administrator's side takes tokio-postgres's own client, which shows the server's error codes.
pub use tenancy_tokio_postgres::{Tls, apply, apply_wall, declare_shared, install};
