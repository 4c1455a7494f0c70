//! Throw-away `PgBouncer`s in front of a test's database.
//!
//! The program is the system's, or the system's package unpacked into the test kit's cache: nothing is
//! installed, and no service is started. `PgBouncer` refuses to run as root, so as root it runs as
//! another user, like PostgreSQL.
//!
//! | variable | what it does |
//! |---|---|
//! | `TENANCY_TEST_PGBOUNCER` | the program to use |
//! | `TENANCY_TEST_WITHOUT` | holds `pgbouncer`: none is used, see [`is_left_out`] |
//!
//! ```no_run
//! use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig};
//! use tenancy_testkit::postgres::{Major, Server};
//!
//! # async fn example() -> Result<(), tenancy_testkit::Error> {
//! let database = Server::shared(Major::V18).await?.database().await?;
//! let pooler = PgBouncer::start(PgBouncerConfig {
//!     pool_size: 2,
//!     ..PgBouncerConfig::careful(&database)
//! })
//! .await?;
//! let client = database.connect(&pooler.url_for(database.pooled_role(), database.password())).await?;
//! # Ok(())
//! # }
//! ```

mod config;
mod program;
mod server;

pub use config::{Backend, PgBouncerConfig, PoolMode};
pub use program::{Origin, Program};
pub use server::PgBouncer;

/// Whether the run was told to do without `PgBouncer`: its tests then have nothing to run on, and say so.
/// One that asks for it all the same fails with [`Error::LeftOut`](crate::Error::LeftOut).
pub fn is_left_out() -> bool {
    crate::postgres::left_out("pgbouncer")
}
