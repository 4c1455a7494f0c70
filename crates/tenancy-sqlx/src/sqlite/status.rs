//! How full the cache of open databases is.

/// How many tenants' databases are open, in use and waited for; see
/// [`SqliteTenants::status`](super::SqliteTenants::status).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Databases that are open.
    pub open: usize,
    /// Databases that somebody uses, or waits to be open.
    pub in_use: usize,
    /// Checkouts that wait for room: one for each tenant.
    pub waiting: usize,
    /// How many more may be open.
    pub room: usize,
}
