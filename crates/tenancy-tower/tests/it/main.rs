//! The layer and its extractors, through real routers and a real server.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper of a test may fail as a test does

mod bootstrap;
mod carry;
mod compile_fail;
mod envelopes;
mod extractors;
mod isolation;
mod lifetime;
#[cfg(feature = "limits")]
mod limits;
mod looks;
mod misassembled;
mod outcomes;
mod response_body;
mod routes;
mod server;
mod spans;
mod support;
#[cfg(feature = "jwt")]
mod tokens;
mod transactions;
