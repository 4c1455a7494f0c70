//! Against real servers: what is installed holds, and what is broken is found.

// Helpers of tests may panic, and name the server that a test runs on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod attacks;
mod database;
mod ident;
mod install;
mod key;
mod login;
mod moments;
mod placement;
mod pooler;
mod role;
mod rotate;
mod schema;
mod scrub;
mod seal;
mod support;
mod tenants;
mod verify;
