//! The registry and the places of tenants on real servers, and sealed credentials.

#![allow(clippy::unwrap_used)] // helpers outside #[test] are tests too

mod provision;
mod registry;
mod secrets;
