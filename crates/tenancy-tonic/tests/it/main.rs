//! The integration's own tests, without a socket. `examples/` has the suite over gRPC.

#![allow(clippy::unwrap_used)] // a helper of a test may fail as a test does

mod compile_fail;
mod envelopes;
mod lifetime;
mod misassembled;
mod refusals;
mod routes;
mod scoped;
mod streams;
mod support;
#[cfg(feature = "jwt")]
mod tokens;
mod transactions;
