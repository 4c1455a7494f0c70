//! SQLite with a database for each tenant: a file for each, in one folder.
//!
//! [`SqliteTenants`] is what an application keeps; its verbs take a
//! [`TenantScope`](tenancy_core::TenantScope). It implements
//! [`Provisioner`](tenancy_core::Provisioner), which makes and removes a tenant's database.
//!
//! # What is enforced, and by whom
//! **By SQLite**, on every connection, before the application gets it, so that it holds for raw and
//! injected SQL: no other file is attached, written (`VACUUM INTO`) or loaded (`load_extension`); no
//! setting of the process or of the connection is changed; no temporary object is made; the mark
//! that says whose file it is can't be changed. [`tenancy_sqlite`] has the whole list and the calls.
//! Refused with these are `VACUUM`, `CREATE TEMP TABLE` and `PRAGMA foreign_keys = OFF`, which some
//! programs use: tidy up with `PRAGMA incremental_vacuum`, and use `PRAGMA defer_foreign_keys = ON`
//! inside a transaction.
//!
//! **By this crate:** the file is named from the scope's tenant id alone; the tenant's recorded
//! placement must name the same file; each new connection must find that tenant's mark in it. A
//! connection that comes back with an open transaction, or that is not the one that was handed out,
//! is closed. A `COMMIT` in the SQL of a transaction saves nothing.
//!
//! # What is not promised
//! - The application's own Rust code holds SQLx's connection, and may do with it what SQLx lets it:
//!   `lock_handle`, or `mem::swap` of two checkouts (each is closed when it comes back).
//! - Who can write to the folder can read every tenant's data.
//! - One tenant's load is felt by the others: they share the machine's disk, memory and cores. A
//!   statement is stopped when its checkout is dropped, not before.
//! - `changes()` and `total_changes()` show the next user of a connection, always of the same
//!   tenant, how many rows were changed on it before.

mod cache;
mod connection;
mod error;
mod options;
mod pool;
mod provision;
mod slot;
mod status;
mod tenants;
mod transaction;

pub use connection::SqliteTenantConnection;
pub use error::DatabaseError;
pub use options::Builder;
pub use status::Status;
pub use tenants::SqliteTenants;
pub use transaction::SqliteTenantTransaction;
