//! One tenant's objects stay one tenant's, in memory and in a folder.

// A helper's failed `unwrap` fails the test that called it, which is what it is for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod broken;
mod links;
mod signing;
mod support;
mod upstream;
mod walls;
