//! The adapter against real servers.

#![allow(clippy::unwrap_used)]
// With TLS, which other crates of a workspace switch on, a checkout's future is large.
#![allow(clippy::large_futures)] // tests' helpers, which the lint does not take for tests

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
