//! The pool on a server that does what it is told: hangs, fails, panics, or goes without a word.

mod budget;
mod closing;
mod evictions;
mod failures;
mod metrics;
mod storm;
mod world;
