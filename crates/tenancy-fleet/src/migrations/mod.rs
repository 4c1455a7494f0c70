//! Migrations of tenants' places and of the base, in `SQLx`'s format and ledger.
//!
//! A [`MigrationSet`] is checked before anything runs. In each place, `SQLx`'s own table
//! `_sqlx_migrations` says what has been applied; its tools read it. It is the truth, and the
//! registry's version and digest a copy of it, from which a run over a whole fleet knows who is
//! behind.
//!
//! - **All or nothing for one tenant.** On PostgreSQL and `SQLite` everything pending is one
//!   transaction with its rows in the ledger. A migration that ends this transaction itself is
//!   noticed, and named. `MariaDB` commits with every statement of DDL: there, each migration is in
//!   the ledger before it starts and after it has ended, and one that fails is taken out again where
//!   nothing came of it.
//! - **`-- no-transaction`** in a file's first line, for `CREATE INDEX CONCURRENTLY` and its like (one
//!   statement in such a file): it is in the ledger before it starts. Whatever kills it, the next run
//!   says of this tenant that it was begun and not finished, and what to look at; an operator then
//!   [resolves](Resolution) it. Nobody else waits for that.
//! - **Nobody waits for a lock that outlives its process**: a place is locked by its connection, and
//!   each tenant's lock is its own.
//! - **Drift is refused**: a file that was edited after it was applied, one that is missing, one that
//!   was left out. Nothing is changed then.
//! - **Nothing stays behind**: settings, roles, temporary tables or locks of one tenant's migration are
//!   gone before the next tenant's starts on the same connection.
//!
//! Whole fleets are migrated with [`Fleet`](crate::Fleet).

mod apply;
mod at_once;
mod error;
pub(crate) mod folder;
mod ledger;
mod resolve;
mod set;

pub use crate::script::Limits;
pub use error::{MigrationError, SetError};
pub use resolve::Resolution;
pub use set::MigrationSet;

pub(crate) use apply::{Moved, drive, foresee};
pub(crate) use at_once::Known;
pub(crate) use ledger::Goal;
pub(crate) use resolve::resolve;
