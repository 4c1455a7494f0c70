//! Tenancy for [SeaORM](sea_orm): PostgreSQL, row-level, a schema or a database for each tenant.
//!
//! [`TenantPool`] connects as the runtime role, looks for holes, and hands out nothing but connections
//! and transactions that are bound to a [`TenantScope`](tenancy_core::TenantScope). They have SeaORM's
//! own traits, so entities, relations, active models and raw statements run on them as they are.
//! [`CentralPool`] is the other login, for work across tenants.
//!
//! It stands on [`tenancy_sqlx`], as SeaORM stands on SQLx: the two pools are one.
//!
//! Who enforces what: the database stops every statement at the wall, raw SQL included. The pool below
//! answers for a connection being clean before a scope is opened on it, and after; this crate for
//! transactions inside transactions ending as they were told to.
//!
//! For code that takes SeaORM's `DatabaseConnection` and can't be changed today, [`AmbientDatabase`]
//! makes one that is bound to the ambient scope.
//!
//! The tenant's column needs no place in a model: its default is the scope's tenant. It is called for
//! each row, so for many rows [`BulkInsert`] is faster than `insert_many`.

mod ambient;
mod central_pool;
mod connection;
mod driver;
mod error;
mod held;
mod levels;
mod line;
mod message;
mod place;
mod scoped_database;
mod statements;
mod stream;
mod tenant_pool;
mod traits;
mod transaction;
mod transaction_fn;

pub use ambient::AmbientDatabase;
pub use central_pool::CentralPool;
pub use connection::{CentralConnection, ScopedConnection, TenantConnection};
pub use driver::DriverConnection;
pub use error::{Error, explain};
pub use stream::RowStream;
pub use tenant_pool::TenantPool;
pub use transaction::{CentralTransaction, ScopedTransaction, TenantTransaction};
pub use transaction_fn::TransactionFn;

pub use tenancy_postgres_pool::DriverError;
pub use tenancy_sqlx::postgres::{
    AmbientPoolBuilder, BulkInsert, CentralPoolBuilder, Credential, CredentialFuture,
    CredentialProvider, Finding, Findings, Isolation, PoolError, PoolStatus, SEALING_KEY_VARIABLE,
    SealingKey, Separation, StepReport, TenantKind, TenantPoolBuilder, apply, apply_wall,
    declare_shared, install,
};
