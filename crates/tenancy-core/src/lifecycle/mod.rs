//! What runs around a scope's body: bootstrappers, listeners, and how they end.
//!
//! A scope goes `initializing → initialized → ending → ended`. Bootstrappers initialize in the
//! order in which they were registered. Those that completed are reverted in reverse order on
//! every path: success, error, panic, and a future that is dropped.
//!
//! # Reverting without an await
//! Rust drops a cancelled future without letting it await. So reverts never run inside the
//! caller's future: they run in a task of their own, which the caller awaits where it can. When
//! the caller's future is dropped, the task goes on, and
//! [`Tenancy::settled`](crate::Tenancy::settled) waits for all such tasks. When the runtime itself
//! is shutting down, the reverts not yet started run on a thread of their own; the one in flight
//! then is cut off, as everything on that runtime is.

mod bootstrapper;
mod cleanup;
mod listener;
mod open;
mod revert;

pub use bootstrapper::Bootstrapper;
pub(crate) use bootstrapper::DynBootstrapper;
pub use cleanup::{CleanupError, CleanupErrors};
pub use listener::{Ending, Event, Listener};
pub use open::OpenScope;
pub(crate) use revert::Detached;

/// Any error, from code that is not ours.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
