//! How many connections there are.

/// How many connections a pool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// The most that it may have.
    pub max: u32,
    /// Those it has: idle, in use, being made, being cleaned or being closed.
    pub size: u32,
    /// Those at rest.
    pub idle: u32,
    /// Those of the idle that stand on a tenant's shelf.
    pub shelved: u32,
    /// Those that are checked out, being made, being cleaned or being closed.
    pub in_use: u32,
    /// Checkouts that wait.
    pub waiting: u32,
    /// Tenants that the pool remembers: those with a connection or a waiter.
    pub tenants: u32,
    /// Targets that the pool remembers: those with a connection, a waiter or a recent failure.
    pub targets: u32,
}
