//! One tenant's values stay one tenant's: in memory, and in a real Redis.

// A helper's failed `unwrap` fails the test that called it, which is what it is for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod memory;
mod remote;
mod support;
