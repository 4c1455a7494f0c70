//! The pool of pools: one budget of connections for all tenants, whatever the driver.
//!
//! A [`Pool`] keeps connections to many places ([`Manager::Target`]: a shared login, a login for each
//! tenant, a database for each tenant) under one global budget. Each idle connection is clean, or
//! stands on one tenant's shelf. Who enforces what: the pool never hands a connection of one tenant's
//! shelf to another, and never hands out one that was not cleaned; keeping rows apart is the
//! database's.
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! use tenancy_core::TenantId;
//! use tenancy_pool::{Limits, Manager, Pool, Want};
//! use tokio::time::Instant;
//!
//! /// "Connects" to names.
//! struct Names;
//!
//! impl Manager for Names {
//!     type Target = &'static str;
//!     type Connection = String;
//!     type Error = Infallible;
//!
//!     async fn connect(&self, target: &&'static str) -> Result<String, Infallible> {
//!         Ok((*target).to_owned())
//!     }
//!     async fn clean(&self, _: &mut String) -> bool {
//!         true
//!     }
//!     async fn bind(&self, _: &mut String, _: &TenantId) -> Option<bool> {
//!         None
//!     }
//!     fn is_alive(&self, _: &String) -> bool {
//!         true
//!     }
//!     async fn ping(&self, _: &mut String) -> bool {
//!         true
//!     }
//!     async fn close(&self, _: String) {}
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::new(Names, Limits::default());
//! let acme: TenantId = "acme".parse()?;
//! let want = Want {
//!     tenant: Some(&acme),
//!     target: &"server-1",
//!     clean_will_do: true,
//! };
//! let connection = pool
//!     .checkout(want, Instant::now() + Duration::from_secs(1))
//!     .await?;
//! assert_eq!(*connection, "server-1");
//! drop(connection);
//! pool.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Metrics
//! Through the `metrics` facade, each with the label `pool`, none with a tenant or a target:
//! `tenancy_pool_connections{state}` and `tenancy_pool_waiting` (gauges),
//! `tenancy_pool_checkouts_total{outcome}`, `tenancy_pool_connects_total{outcome}`,
//! `tenancy_pool_cleans_total{outcome}` and `tenancy_pool_evictions_total{reason}` (counters), all
//! reported once a second, and `tenancy_pool_wait_seconds` (histogram) of the checkouts that found
//! nothing at rest.

mod arena;
mod attempt;
mod checkout;
mod counts;
mod dispatch;
mod error;
mod inner;
mod limits;
mod maintain;
mod manager;
mod pool;
mod queue;
mod rest;
mod seat;
mod state;
mod status;
mod target;
mod task;
mod work;

pub use checkout::Checkout;
pub use error::Error;
pub use limits::Limits;
pub use manager::Manager;
pub use pool::{Pool, Want};
pub use status::PoolStatus;
