//! Background work that stays its tenant's, with apalis and its PostgreSQL storage.
//!
//! Read `service` first: it is what an application writes. `nightly` is work for all tenants, `stage`
//! puts it together, and `main.rs` plays it.

pub mod attacks;
pub mod nightly;
pub mod service;
pub mod stage;
