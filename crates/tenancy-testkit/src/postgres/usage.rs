//! Tells the test run which process used which server, so that its summary rests on what happened.

use std::fs::File;
use std::io::Write as _;

use super::Major;

/// What was used.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    /// A server that the run gave.
    Given,
    /// A server that this process started itself.
    Started,
    /// A database on any of them.
    Database,
}

/// Notes down that a `PgBouncer` was started.
pub(crate) fn record_pgbouncer() {
    note("pgbouncer", "pooler");
}

/// Notes down that a database on `MariaDB` was made.
pub(crate) fn record_mariadb() {
    note("mariadb", "database");
}

/// Notes down that a test has a part of Redis to itself.
pub(crate) fn record_redis() {
    note("redis", "name");
}

pub(super) fn record(major: Major, what: Use) {
    let what = match what {
        Use::Given => "given",
        Use::Started => "started",
        Use::Database => "database",
    };
    note(&major.to_string(), what);
}

/// Adds a line to `TENANCY_TEST_USED`, if there is such a variable.
fn note(server: &str, what: &str) {
    let Some(path) = std::env::var_os("TENANCY_TEST_USED") else {
        return;
    };
    // Cargo names the package to every test program that it runs.
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "another program".to_owned());
    // One short line in append mode is written whole. A summary is not worth a failing test.
    if let Ok(mut file) = File::options().append(true).open(path) {
        let _ = file.write_all(format!("{server}\t{what}\t{package}\n").as_bytes());
    }
}
