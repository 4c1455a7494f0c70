//! One work over all tenants: migrating, rolling back, seeding.
//!
//! A [`Fleet`](crate::Fleet) is a registry with the sites that its tenants lie on. A [`Run`] says how: with how many
//! connections, which tenants, how many of them as canaries, when to stop. A [`Report`] has every
//! tenant's outcome, one way or another: the failures by name in itself, all of them through an
//! [`Observer`], and the rest in counts. One tenant that fails, hangs in a lock or panics stops nobody
//! else unless that was asked for.
//!
//! ```no_run
//! use tenancy_fleet::migrations::MigrationSet;
//! use tenancy_fleet::registry::{Actor, Registry};
//! use tenancy_fleet::Fleet;
//! use tenancy_fleet::run::{Event, Run};
//! use tenancy_fleet::site::Sites;
//!
//! # async fn run(registry: Registry, sites: Sites) -> Result<(), Box<dyn std::error::Error>> {
//! let set = MigrationSet::from_folder("migrations/tenants").await?;
//! let run = Run::by(Actor::new("deploy-42")?)
//!     .jobs(8)
//!     .canary(5)
//!     .observe(|event: &Event<'_>| {
//!         if let Event::Ended { tenant, outcome } = event {
//!             println!("{tenant}: {outcome}");
//!         }
//!     });
//! let report = Fleet::new(registry, sites).migrate(&set, None, &run).await?;
//! for failure in &report.failed {
//!     eprintln!("{}: {}", failure.tenant, failure.reason);
//! }
//! # Ok(()) }
//! ```
//!
//! Dropped, a run leaves each tenant as it was or as it was to be; stopped by a [`Stop`], it ends at the
//! next tenant. Either way the next run does those that are left.

mod base;
mod engine;
mod error;
mod feed;
mod fleet;
mod how;
mod observe;
mod recorder;
mod report;
#[cfg(feature = "postgres")]
mod theirs;
mod work;

pub use error::RunError;
pub use fleet::Back;
pub use how::{Run, Stop};
pub use observe::{Event, Observer};
pub use report::{Failure, Halt, Outcome, Report};
