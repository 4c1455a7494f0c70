//! How much, and how long.

use std::time::Duration;

/// The limits of a pool. `Default` has the documented values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most connections, to all targets together, those that are being made, cleaned or closed
    /// included. 10 unless set, and at least 1.
    pub connections: u32,
    /// The most connections of one tenant, in use or on its shelf. Unless set, half of
    /// `connections`, rounded up.
    pub per_tenant: Option<u32>,
    /// How long making a connection may take. 5 s unless set.
    pub connect: Duration,
    /// The longest that a target is left alone after an attempt to connect has failed: 50 ms the first
    /// time, or this where it is shorter, and doubled by each further one up to 51 s. 1 s unless set.
    pub pause: Duration,
    /// How long cleaning one may take, what still runs on it included. 1 s unless set.
    pub clean: Duration,
    /// After how long without use a connection is closed. 10 minutes unless set.
    pub idle: Duration,
    /// After how long a connection is closed when it comes back. 30 minutes unless set; a backend's
    /// memory grows with the tables that it has touched.
    pub lifetime: Duration,
    /// How long a connection stays bound on its tenant's shelf without use before it is cleaned. 30 s
    /// unless set.
    pub shelf: Duration,
    /// How many idle connections to a shared target are kept clean rather than on a shelf, ahead of
    /// need. Unless set, a quarter of `connections`.
    pub reserve: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10,
            per_tenant: None,
            connect: Duration::from_secs(5),
            pause: Duration::from_secs(1),
            clean: Duration::from_secs(1),
            idle: Duration::from_mins(10),
            lifetime: Duration::from_mins(30),
            shelf: Duration::from_secs(30),
            reserve: None,
        }
    }
}
