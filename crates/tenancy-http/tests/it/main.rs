//! Tokens, envelopes and trailers, without a framework.

#![allow(clippy::unwrap_used)] // a helper of a test may fail as a test does

mod jwt;
mod jwt_keys;
mod next_service;
mod trailers;
