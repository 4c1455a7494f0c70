//! Migrations and seeds: the application's own, or those of a folder.

use std::path::PathBuf;

use tenancy_fleet::migrations::{Limits, MigrationSet, SetError};
use tenancy_fleet::seeds::SeedSet;
use tenancy_fleet::site::Base;

use crate::base::Context;
use crate::config::{ConfigError, Setting, Side};
use crate::error::CliError;

/// What an application has embedded.
#[derive(Clone, Default)]
pub(crate) struct Embedded {
    pub(crate) base: Option<MigrationSet>,
    pub(crate) tenants: Option<MigrationSet>,
}

impl Context {
    pub(crate) async fn migrations(&self, side: Side) -> Result<MigrationSet, CliError> {
        let embedded = match side {
            Side::Base => &self.embedded.base,
            Side::Tenants => &self.embedded.tenants,
        };
        if let Some(set) = embedded {
            return Ok(set.clone());
        }
        let folder = self.migrations_folder(side)?;
        let set = MigrationSet::from_folder(&folder).await;
        set.map_err(|source| unusable(folder, source))
    }

    pub(crate) async fn seeds(&self, side: Side) -> Result<SeedSet, CliError> {
        let folder = self.seeds_folder(side)?;
        let set = SeedSet::from_folder(&folder).await;
        set.map_err(|source| unusable(folder, source))
    }

    pub(crate) fn migrations_folder(&self, side: Side) -> Result<PathBuf, ConfigError> {
        match side {
            Side::Base => self
                .config
                .path_or(Setting::BASE_MIGRATIONS, "migrations/base"),
            Side::Tenants => self
                .config
                .path_or(Setting::TENANTS_MIGRATIONS, "migrations/tenants"),
        }
    }

    pub(crate) fn seeds_folder(&self, side: Side) -> Result<PathBuf, ConfigError> {
        match side {
            Side::Base => self.config.path_or(Setting::BASE_SEEDS, "seeds/base"),
            Side::Tenants => self.config.path_or(Setting::TENANTS_SEEDS, "seeds/tenants"),
        }
    }

    /// The base database, for its own migrations.
    pub(crate) fn base(&self) -> Result<Base, ConfigError> {
        Ok(Base::new(self.config.base_url()?))
    }

    /// How long scripts may wait and run.
    pub(crate) fn limits(&self) -> Result<Limits, ConfigError> {
        let mut limits = Limits::default();
        if let Some(limit) = self.config.duration(Setting::LOCK_TIMEOUT)? {
            limits = limits.lock(limit);
        }
        if let Some(limit) = self.config.duration(Setting::STATEMENT_TIMEOUT)? {
            limits = limits.statement(limit);
        }
        Ok(limits)
    }
}

fn unusable(folder: PathBuf, source: SetError) -> CliError {
    CliError::Set { folder, source }
}
