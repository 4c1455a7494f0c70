//! What the adapters' own tests share: a [`World`] for each tier of the conformance suite, and the
//! pool's settings in it. Not published.

// It is a part of tests: what it can't do ends them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod scope;
mod world;

pub use scope::OpenScope;
pub use world::World;
