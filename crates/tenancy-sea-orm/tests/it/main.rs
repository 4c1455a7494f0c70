//! The adapter against real servers.

#![allow(clippy::unwrap_used)] // tests' helpers, which the lint does not take for tests

mod abandoned;
mod ambient;
mod central;
mod conformance;
mod entities;
mod misuse;
mod nested;
mod stage;
mod trips;
mod verbs;
