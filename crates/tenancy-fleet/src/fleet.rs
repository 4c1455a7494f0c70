//! A registry with its sites, and what is in its tenants' places.

use std::fmt;
use std::time::Duration;

use crate::migrations::{Limits, MigrationSet};
use crate::registry::Registry;
use crate::seeds::SeedSet;
use crate::site::Sites;

/// A registry of tenants, with the sites that they lie on, and what a new place is filled with.
/// Cheap to clone.
///
/// What it does to one tenant is in [`provision`](crate::provision); what it does to all of them, in
/// [`run`](crate::run).
#[derive(Clone)]
#[must_use]
pub struct Fleet {
    pub(crate) registry: Registry,
    pub(crate) sites: Sites,
    pub(crate) migrations: Option<MigrationSet>,
    pub(crate) seeds: Option<SeedSet>,
    pub(crate) limits: Limits,
    pub(crate) patience: Duration,
}

impl Fleet {
    /// The tenants of this registry on these sites: a [`Site`](crate::site::Site), or several.
    pub fn new(registry: Registry, sites: impl Into<Sites>) -> Self {
        Self {
            registry,
            sites: sites.into(),
            migrations: None,
            seeds: None,
            limits: Limits::default(),
            patience: Duration::from_secs(30),
        }
    }

    /// The migrations of a new place. A tenant is active once they are applied.
    pub fn migrations(mut self, set: MigrationSet) -> Self {
        self.migrations = Some(set);
        self
    }

    /// The seeds of a new place, which run behind its migrations.
    pub fn seeds(mut self, seeds: SeedSet) -> Self {
        self.seeds = Some(seeds);
        self
    }

    /// How long the migrations and seeds of a new place may wait and run.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long to wait for another process that works on the same tenant's place (30 s).
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The sites.
    pub fn sites(&self) -> &Sites {
        &self.sites
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}
