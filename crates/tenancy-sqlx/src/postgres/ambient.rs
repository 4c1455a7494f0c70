//! A pool of SQLx's own, for code that takes one.

mod builder;
mod hooks;

use sqlx::postgres::PgPool;

pub use builder::AmbientPoolBuilder;

use crate::Error;

/// Makes a [`PgPool`] whose every checkout is bound to the ambient scope, and to nothing without one,
/// so that the database refuses: for code that takes a `PgPool` and can't be changed today.
///
/// ```no_run
/// # use tenancy_core::{Tenancy, TenantScope};
/// # use tenancy_sqlx::Error;
/// # use tenancy_sqlx::postgres::AmbientPool;
/// # async fn example(tenancy: Tenancy) -> Result<(), Error> {
/// let pool: sqlx::PgPool = AmbientPool::connect("postgres://app:password@127.0.0.1/service").await?;
/// tenancy
///     .run("acme", async |_: &TenantScope| -> Result<(), Error> {
///         sqlx::query("INSERT INTO notes (title) VALUES ('as ever')").execute(&pool).await?;
///         Ok(())
///     })
///     .await?;
/// let refused = sqlx::query("SELECT title FROM notes").fetch_all(&pool).await;
/// assert!(refused.is_err()); // TN001: no scope
/// # Ok(()) }
/// ```
///
/// The wall is the database's, as behind a [`TenantPool`](super::TenantPool), and so are the guards:
/// the database is verified before the pool is handed out and again for each new connection, settings
/// are pinned, and a connection is cleaned both when it comes back and before it is handed out. One
/// that can't be known to be clean is closed. What can't be promised here:
///
/// - A checkout costs two round trips: one cleans, one opens the scope.
/// - The scope is bound to the session. A connection, a transaction or a listener that is kept beyond
///   its scope, or taken into another one, stays its first tenant's: no type holds it, and no ticket
///   ends it.
/// - The scope is read where the checkout is polled. What is made in one scope and polled in another,
///   such as a stream, runs as the second; what is spawned has none, and is refused, unless it is
///   carried along by [`in_current_scope`](tenancy_core::InCurrentScope::in_current_scope).
/// - `try_acquire` and `try_begin` of SQLx pass its hooks by, and get connections that are bound to
///   nothing. So does central work: it has a [`CentralPool`](super::CentralPool).
/// - In a [read-only](tenancy_core::TenantScope::is_read_only) scope a checkout is one transaction, in
///   which the server refuses every write. With it the scope ends: behind a `COMMIT`, that of SQLx's
///   own transaction as well, a connection that is kept is bound to nothing.
/// - One tenant may use all connections. There are no shelves, and no shared budget.
/// - A transaction that SQL ended by itself, or whose error was passed over, commits without a word, as
///   SQLx does it.
///
/// One more connection verifies now and then.
#[derive(Debug)]
#[non_exhaustive]
pub struct AmbientPool;

impl AmbientPool {
    /// Connects as the runtime role, with the sealing key from the environment's
    /// `TENANCY_SEALING_KEY`, and looks for holes before anything is handed out.
    ///
    /// # Errors
    /// As [`TenantPool::connect`](super::TenantPool::connect).
    pub async fn connect(url: &str) -> Result<PgPool, Error> {
        Self::builder(url).connect().await
    }

    /// A pool with settings of its own.
    pub fn builder(url: &str) -> AmbientPoolBuilder {
        AmbientPoolBuilder::new(url)
    }
}
