//! Throw-away Redis servers.
//!
//! The program is the system's, or the system's package unpacked into the test kit's cache: nothing is
//! installed, and no service is started. It keeps nothing on disk, and asks for a password. As root it
//! runs as another user, like PostgreSQL.
//!
//! | variable | what it does |
//! |---|---|
//! | `TENANCY_TEST_REDIS` | the URL of a server that is already there, used in place of one of our own |
//! | `TENANCY_TEST_WITHOUT` | holds `redis`: none is used, see [`is_left_out`] |

mod program;
mod server;

pub use server::Server;

/// The variable that gives a server that is already there.
pub const VARIABLE: &str = "TENANCY_TEST_REDIS";

/// Whether the run was told to do without Redis: its tests then have nothing to run on, and say so.
/// One that asks for it all the same fails with [`Error::LeftOut`](crate::Error::LeftOut).
pub fn is_left_out() -> bool {
    crate::postgres::left_out("redis")
}
