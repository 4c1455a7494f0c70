//! The pool against a manager that watches its own connections: every rule that the pool promises is
//! checked from below, at each call.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cancellation;
mod chaos;
mod connecting;
mod drain;
mod entries;
mod fairness;
mod fake;
mod keeping;
mod order;
mod release;
mod runtimes;
mod shelves;
mod told;
