//! The registry and the places of tenants on real servers, sealed credentials, and migrations and seeds
//! over a fleet.

#![allow(clippy::unwrap_used)] // helpers outside #[test] are tests too

mod migrations;
mod provision;
mod registry;
mod secrets;
