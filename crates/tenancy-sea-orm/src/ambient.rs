//! A connection of SeaORM's own, for code that takes one.

use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use tenancy_sqlx::postgres::{AmbientPool, AmbientPoolBuilder};

use crate::Error;

/// Makes a [`DatabaseConnection`] whose every checkout is bound to the ambient scope, and to nothing
/// without one, so that the database refuses: for code that takes a `DatabaseConnection` and can't be
/// changed today.
///
/// It stands on SQLx's [`AmbientPool`], whose documentation says what it can't promise: a checkout
/// costs two round trips more, the scope is bound to the session, and a transaction is SeaORM's own, so
/// one that SQL ended by itself, or whose error was passed over, commits without a word.
///
/// ```no_run
/// # use sea_orm::{ConnectionTrait, DatabaseConnection};
/// # use tenancy_core::{Tenancy, TenantScope};
/// # use tenancy_sea_orm::{AmbientDatabase, Error};
/// # async fn example(tenancy: Tenancy) -> Result<(), Error> {
/// let db: DatabaseConnection =
///     AmbientDatabase::connect("postgres://app:password@127.0.0.1/service").await?;
/// tenancy
///     .run("acme", async |_: &TenantScope| -> Result<(), Error> {
///         db.execute_unprepared("INSERT INTO notes (title) VALUES ('as ever')").await?;
///         Ok(())
///     })
///     .await?;
/// let refused = db.execute_unprepared("SELECT title FROM notes").await;
/// assert!(refused.is_err()); // TN001: no scope
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct AmbientDatabase;

impl AmbientDatabase {
    /// Connects as the runtime role, with the sealing key from the environment's
    /// `TENANCY_SEALING_KEY`, and looks for holes before anything is handed out.
    ///
    /// # Errors
    /// As [`TenantPool::connect`](crate::TenantPool::connect).
    pub async fn connect(url: &str) -> Result<DatabaseConnection, Error> {
        Self::connect_with(Self::builder(url)).await
    }

    /// Settings for [`connect_with`](Self::connect_with).
    pub fn builder(url: &str) -> AmbientPoolBuilder {
        AmbientPool::builder(url)
    }

    /// As [`connect`](Self::connect), with settings of its own.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(settings: AmbientPoolBuilder) -> Result<DatabaseConnection, Error> {
        let pool = settings.connect().await?;
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }
}
