//! A transaction per request: begun by the first who asks for it, and ended by what the request is
//! answered with.
//!
//! An integration switches it on for the scopes that it opens, with
//! [`OpenScope::with_transaction`](crate::OpenScope::with_transaction), and ends it with
//! [`OpenScope::end_transaction`](crate::OpenScope::end_transaction) before the answer goes out. An
//! adapter's pool is a [`TransactionalDatabase`]. Handlers ask the pool for a
//! [`RequestTransaction`], as often as they like: it is one transaction.

mod database;
mod error;
mod handle;
mod slot;

pub use database::TransactionalDatabase;
pub use error::{NoRequestTransaction, NotSaved};
pub use handle::RequestTransaction;
pub(crate) use slot::Slot;
