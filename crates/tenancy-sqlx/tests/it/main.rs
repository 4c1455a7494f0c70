//! The adapter against real servers.

#![allow(clippy::unwrap_used)] // tests' helpers, which the lint does not take for tests

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
