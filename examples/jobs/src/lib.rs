//! Background work that stays its tenant's, with apalis and its PostgreSQL storage.
//!
//! Read `job` first: it is what an application writes. `service` is the work itself, `stage` puts it
//! together, and `main.rs` plays it.

pub mod attacks;
pub mod job;
pub mod service;
pub mod stage;
