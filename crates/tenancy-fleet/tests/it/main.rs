//! The registry and the places of tenants on real servers, sealed credentials, migrations and seeds
//! over a fleet, and exports.

#![allow(clippy::unwrap_used)] // helpers outside #[test] are tests too

mod export;
mod migrations;
mod provision;
mod registry;
mod secrets;
