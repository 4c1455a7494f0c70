//! Seeds: rows that every tenant starts with.
//!
//! A folder of SQL files, run in the order of their names, each in a transaction with its row in the
//! table `_tenancy_seeds` of the tenant's place. So seeding may be run again, after a crash or for all
//! tenants: what has run does not run twice. A seed that was edited after it has run is reported, and
//! not run again unless it is [asked for](crate::Fleet::seed).

mod error;
mod plant;
mod set;

pub use error::SeedError;
pub use set::SeedSet;

pub(crate) use plant::{foresee, plant};
