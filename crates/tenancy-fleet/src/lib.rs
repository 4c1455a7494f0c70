//! The fleet of [`tenancy`](https://docs.rs/tenancy): the durable registry of tenants, credentials
//! [sealed](secrets) at rest, making and removing tenants' places, and migrations and seeds over all
//! of them.
//!
//! One feature for each database: `postgres`, `mysql` (MariaDB; the registry may lie in MySQL, too)
//! and `sqlite`. None is on by itself. `sea-orm`, `diesel` and `refinery` run those libraries'
//! migrations.

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod db;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod export;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod fleet;
#[cfg(feature = "postgres")]
pub mod libraries;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod migrations;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod provision;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod registry;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod run;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod script;
pub mod secrets;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod seeds;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod site;

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use db::{Fault, ScriptFault};
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use fleet::Fleet;
