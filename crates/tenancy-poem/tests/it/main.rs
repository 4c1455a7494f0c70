//! The integration's own tests, without a socket. `examples/` has the suite over HTTP.

#![allow(clippy::unwrap_used)] // a helper of a test may fail as a test does
#![allow(clippy::needless_pass_by_value)] // an extractor is given by value

mod compile_fail;
mod envelopes;
mod lifetime;
mod misassembled;
mod refusals;
mod routes;
mod scoped;
mod support;
#[cfg(feature = "jwt")]
mod tokens;
mod transactions;
