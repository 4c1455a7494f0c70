//! The testkit against itself: servers that come, go and clean up, and proxies that tell the truth.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers outside #[test] are tests too

mod child;
mod database;
mod given;
mod mariadb;
mod pgbouncer;
mod proxy;
mod redis;
mod server;

use std::time::Duration;

/// Waits for something that has no event to wait for. The bound only ends a run that hangs.
fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("this did not happen in a minute: {what}");
}
