//! Throw-away PostgreSQL servers.
//!
//! | variable | what it does |
//! |---|---|
//! | `TENANCY_TEST_POSTGRES_15` .. `_18` | the superuser's URL of a server that is already there, used in place of one of our own |
//! | `TENANCY_TEST_MAJORS` | what [`majors`] answers, such as `15,18` |
//! | `TENANCY_TEST_MAJORS_ALL` | what [`majors_all`] answers |
//! | `TENANCY_TEST_WITHOUT` | `postgres`: no server is used, and a test that needs one fails (a list, with `pgbouncer` and `mysql`) |
//! | `TENANCY_TEST_CACHE` | the folder that keeps the servers' programs between runs |
//! | `TENANCY_TEST_USED` | a file to which every process adds which servers it used |

mod database;
mod given;
mod install;
mod major;
pub(crate) mod place;
pub(crate) mod server;
pub(crate) mod supervisor;
pub(crate) mod usage;

pub use database::Database;
pub(crate) use major::left_out;
pub use major::{Major, majors, majors_all};
pub use server::{Builder, Server};
