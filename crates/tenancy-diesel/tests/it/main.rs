//! The adapter against real servers.

#![allow(clippy::unwrap_used)] // tests' helpers, which the lint does not take for tests

mod abandoned;
mod central;
mod conformance;
mod handlers;
mod leftovers;
mod misuse;
mod stage;
mod tables;
mod trips;
mod verbs;
