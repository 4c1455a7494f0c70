//! SQLite, a database for each tenant.
// Helpers of tests, where clippy sees no `#[test]`.
#![allow(clippy::unwrap_used)]

mod attacks;
mod bounded;
mod files;
mod leftovers;
mod provisioning;
mod read_only;
mod request_transaction;
mod support;
mod verbs;
