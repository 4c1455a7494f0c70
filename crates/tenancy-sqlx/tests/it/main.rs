//! The adapter against real servers.

#![allow(clippy::unwrap_used)] // tests' helpers, which the lint does not take for tests
#![allow(clippy::large_futures)] // with TLS, which others in a workspace switch on, a checkout's is

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
