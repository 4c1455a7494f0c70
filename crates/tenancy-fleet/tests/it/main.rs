//! The registry on real servers, and sealed credentials.

#![allow(clippy::unwrap_used)] // helpers outside #[test] are tests too

mod registry;
mod secrets;
