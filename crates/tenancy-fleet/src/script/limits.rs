//! How long a script may wait and run.

use std::time::Duration;

/// How long scripts may wait and run in one tenant's place, and how often they are tried.
#[derive(Debug, Clone)]
#[must_use]
pub struct Limits {
    pub(crate) lock: Duration,
    pub(crate) statement: Option<Duration>,
    pub(crate) tries: u32,
    pub(crate) connect: Duration,
}

impl Default for Limits {
    /// 5 seconds for a lock, no limit for a statement, 5 tries, 15 seconds for a connection.
    fn default() -> Self {
        Self {
            lock: Duration::from_secs(5),
            statement: None,
            tries: 5,
            connect: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// How long a statement waits for a lock (from 50 ms; whole seconds on `MariaDB`, fixed on
    /// `SQLite`), and how long somebody else's work on the same place is waited for.
    pub fn lock(mut self, limit: Duration) -> Self {
        self.lock = limit.max(Duration::from_millis(50));
        self
    }

    /// How long one statement may run. `SQLite` has no such limit.
    pub fn statement(mut self, limit: Duration) -> Self {
        self.statement = Some(limit.max(Duration::from_millis(50)));
        self
    }

    /// How often work is tried that a lock or a deadlock ended (from 1).
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries.max(1);
        self
    }

    /// How long a statement waits for a lock, in milliseconds.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) fn lock_millis(&self) -> u64 {
        millis(self.lock)
    }

    /// How long a connection to a tenant's place may take.
    pub fn connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }
}

/// Whole milliseconds.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::from(u32::MAX))
}
