//! Migrations and seeds: the application's own, or those of a folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tenancy_fleet::Fleet;
use tenancy_fleet::migrations::{Limits, MigrationSet, SetError};
use tenancy_fleet::seeds::SeedSet;
use tenancy_fleet::site::Base;

use crate::base::Context;
use crate::config::{ConfigError, Setting, Side};
use crate::error::CliError;
use crate::output::note;

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

    /// The fleet with what a new place is filled with: migrations and seeds, where there are some.
    pub(crate) async fn furnishing(&self, fleet: Fleet) -> Result<Fleet, CliError> {
        let mut fleet = fleet.limits(self.limits()?);
        let folder = self.migrations_folder(Side::Tenants)?;
        if self.embedded.tenants.is_some() || self.has(Setting::TENANTS_MIGRATIONS, &folder)? {
            fleet = fleet.migrations(self.migrations(Side::Tenants).await?);
        } else {
            note(&format!(
                "there are no migrations in {}, so a new place is left empty",
                folder.display()
            ));
        }
        let folder = self.seeds_folder(Side::Tenants)?;
        if self.has(Setting::TENANTS_SEEDS, &folder)? {
            fleet = fleet.seeds(self.seeds(Side::Tenants).await?);
        }
        Ok(fleet)
    }

    /// Whether the folder counts: one that was named always does, another where it holds something.
    fn has(&self, setting: Setting, folder: &Path) -> Result<bool, ConfigError> {
        let named = self.config.text(setting)?.is_some();
        let sql = |name: OsString| Path::new(&name).extension().is_some_and(|it| it == "sql");
        let mut files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        Ok(named || files.any(|file| sql(file.file_name())))
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
