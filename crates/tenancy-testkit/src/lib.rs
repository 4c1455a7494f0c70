//! Real throw-away servers for tests, and proxies that count, delay and cut. Not published.
//!
//! - [`postgres`]: PostgreSQL of every supported major, brought by the test run itself. It needs no
//!   system package and no root, and runs as root too. A server lives as long as the process that
//!   started it, however that process ends.
//! - [`pgbouncer`]: `PgBouncer` in front of such a server, as careful or careless as a test wants it.
//! - [`mariadb`]: `MariaDB`, the system's or its package unpacked, started the same way.
//! - [`redis`]: Redis, the system's or its package unpacked, started the same way.
//! - [`proxy`]: a TCP proxy in front of a server that counts round trips on the wire, delays, stalls
//!   and cuts.
//!
//! ```no_run
//! use tenancy_testkit::postgres::{Major, Server};
//!
//! # async fn example() -> Result<(), tenancy_testkit::Error> {
//! let server = Server::shared(Major::V18).await?;
//! let database = server.database().await?;
//! let admin = database.admin().await?;
//! admin.batch_execute("CREATE TABLE notes (id bigint)").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Unix only: the servers are supervised through `/bin/sh`, and `/bin/sh` holds the other end of a pipe.

mod error;
mod launch;
pub mod mariadb;
pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
mod random;
pub mod redis;

pub use error::Error;
