//! What the adapters' own tests share: a [`World`] for each tier of the conformance suite, a
//! [`Walled`] database for what is an adapter's own, and the pool's settings in both. Not published.

// It is a part of tests: what it can't do ends them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod adapted;
mod faults;
pub mod read_only;
pub mod request_transaction;
mod safe;
mod scope;
pub mod separations;
mod suite;
mod walled;
mod world;

pub use adapted::Adapted;
pub use faults::{endures, endures_restarts};
pub use scope::OpenScope;
pub use suite::passes;
pub use walled::{ACME, GLOBEX, Walled, until};
pub use world::World;

// For the macros.
#[doc(hidden)]
pub use tenancy_conformance::Tier;
#[doc(hidden)]
pub use tenancy_postgres::seal::TenantKind;
#[doc(hidden)]
pub use tenancy_testkit::postgres as testkit;
