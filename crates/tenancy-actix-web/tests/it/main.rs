//! The integration's own tests, without a socket. `examples/` has the suite over HTTP.

mod compile_fail;
mod lifetime;
mod misassembled;
mod refusals;
mod routes;
mod scoped;
mod support;
