//! Throw-away `MariaDB` servers.
//!
//! The program is the system's, or the system's package unpacked into the test kit's cache: nothing is
//! installed, and no service is started. It runs with a loose collation as its default, which folds
//! case and trailing spaces: what must be compared exactly has to say so itself. As root it runs as
//! another user, like PostgreSQL.
//!
//! | variable | what it does |
//! |---|---|
//! | `TENANCY_TEST_MARIADB` | an administrator's URL of a server that is already there, used in place of one of our own |
//! | `TENANCY_TEST_WITHOUT` | holds `mysql`: none is used, see [`is_left_out`] |

mod database;
mod program;
mod server;

pub use database::Database;
pub use server::Server;

/// The variable that gives a server that is already there.
pub const VARIABLE: &str = "TENANCY_TEST_MARIADB";

/// Whether the run was told to do without `MariaDB`: its tests then have nothing to run on, and say so.
/// One that asks for it all the same fails with [`Error::LeftOut`](crate::Error::LeftOut).
pub fn is_left_out() -> bool {
    crate::postgres::left_out("mysql")
}
