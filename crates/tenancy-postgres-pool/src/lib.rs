//! What the PostgreSQL adapters share: where a tenant's connections lead, how a scope is opened on
//! one and ended, and why it is trusted. No driver.
//!
//! An adapter implements [`Driver`], and gets [`Tenants`] and [`Central`] for it: pools whose every
//! connection was looked at when it was made and is scrubbed before it is used again. Who enforces
//! what: the database's row security keeps the tenants apart;
//! this crate answers for no connection being used before its scope is known to be open, or again
//! before it is known to be clean.

mod admin;
mod begin;
mod begins;
mod builder;
mod bulk;
mod central;
mod credential;
mod driver;
mod driver_error;
mod error;
mod findings;
mod link;
mod manager;
mod opening;
mod purpose;
mod route;
mod scrub;
mod separation;
mod settings;
mod tenants;
mod trust;

pub use admin::{Messages, StepReport, apply};
pub use begin::{Begin, End, StillOpen};
pub use begins::Begins;
pub use builder::{CentralPoolBuilder, SEALING_KEY_VARIABLE, TenantPoolBuilder};
pub use bulk::BulkSql;
pub use central::Central;
pub use credential::{Credential, CredentialFuture, CredentialProvider};
pub use driver::{Adapter, Connect, Driver, Fault, Prepared, Row};
pub use driver_error::DriverError;
pub use error::Error;
pub use findings::Findings;
pub use link::Link;
pub use opening::Opening;
pub use route::Target;
pub use separation::Separation;
pub use tenants::Tenants;

pub use tenancy_pool::PoolStatus;
pub use tenancy_postgres::isolation::Isolation;
pub use tenancy_postgres::key::SealingKey;
pub use tenancy_postgres::seal::TenantKind;
pub use tenancy_postgres::verify::Finding;

/// A connection that is checked out, with what is known of it.
pub type Checkout<D> = tenancy_pool::Checkout<manager::LinkManager<D>>;

pub use manager::LinkManager;
