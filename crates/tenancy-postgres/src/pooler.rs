//! Behind a connection pooler that hands out a server connection for one transaction (PgBouncer's
//! `pool_mode = transaction`).
//!
//! There one session of the application is many sessions of the server, and each server session
//! serves many clients. So nothing may be bound to a session, and whatever a transaction leaves on
//! its server connection reaches the next client: cursors `WITH HOLD`, prepared statements,
//! settings, locks, listeners. Three things together make it safe; each is asked for, not assumed:
//!
//! | what | who enforces it | how it is seen |
//! |---|---|---|
//! | scopes end with their transaction | the server: the login of [`Roles::with_pooled`] has no right to enter for a session (`TN006`) | the verifier, [`Expectations::for_pooled`] |
//! | a server connection is reset after each transaction | the pooler: `server_reset_query_always = 1` with [`RESET_QUERY`] or `DISCARD ALL` | [`Probe`] at connect, [`begin_sql`] in every transaction; [`judge_console`] says why |
//! | dangerous settings are pinned | [`begin_sql`], for each transaction | it sets them itself |
//!
//! A pool that works with sessions must not be behind such a pooler at all: [`Pinned`] finds it.
//!
//! A scoped transaction is two trips and those of its statements:
//! 1. [`begin_sql`] as one simple message; [`BeginAnswer::parse`] judges its last row and gives the
//!    challenge;
//! 2. the proof ([`Binding::Transaction`](crate::seal::Binding::Transaction)) and the first
//!    statement, queued together, then the rest, then `COMMIT`.
//!
//! Any refusal or error: roll back, and hand out nothing. The scope itself ends with the
//! transaction, whatever becomes of the connection.
//!
//! Driver-prepared statements: PgBouncer before 1.21 doesn't carry them from one transaction to the
//! next, so let the driver prepare within the transaction, or send unnamed ones.
//!
//! Run with PgBouncer 1.18. Later ones forward some startup options (1.20) and rename the drivers'
//! prepared statements (1.21, 1.22 for `DISCARD ALL`); they were not run, and what is asked of them
//! here is the same: what can't be seen to hold is refused.
//!
//! [`Roles::with_pooled`]: crate::install::Roles::with_pooled
//! [`Expectations::for_pooled`]: crate::verify::Expectations::for_pooled

mod begin;
mod console;
mod pinned;
mod probe;

pub use begin::{BeginAnswer, begin_isolated_sql, begin_sql};
pub use console::{
    Console, ConsoleRows, RESET_QUERY, SHOW_CONFIG, SHOW_DATABASES, SHOW_USERS, judge_console,
};
pub use pinned::Pinned;
pub use probe::{Probe, Probed, unseen};
