//! Migrations, checked, in their order.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::SetError;
use super::folder;
use crate::script::text::hex;

/// Migrations in `SQLx`'s format, checked, in the order of their versions. Cheap to clone.
///
/// ```no_run
/// use tenancy_fleet::migrations::MigrationSet;
///
/// # async fn run() -> Result<(), tenancy_fleet::migrations::SetError> {
/// // 1_notes.up.sql with 1_notes.down.sql, or 1_notes.sql alone
/// let set = MigrationSet::from_folder("migrations/tenants").await?;
/// println!("{} migrations, up to {}", set.versions().len(), set.latest());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MigrationSet {
    steps: Arc<[Step]>,
}

/// One version of it.
pub(crate) struct Step {
    pub(crate) version: i64,
    pub(crate) description: String,
    pub(crate) checksum: Vec<u8>,
    pub(crate) up: Script,
    pub(crate) down: Option<Script>,
    /// Of everything up to here.
    digest: String,
}

/// One file.
pub(crate) struct Script {
    pub(crate) sql: Arc<str>,
    /// It says `-- no-transaction` in its first line.
    pub(crate) alone: bool,
}

/// The largest script, in bytes.
pub(super) const MAX_SCRIPT: u64 = 16 * 1024 * 1024;

impl MigrationSet {
    /// The migrations of a folder: `VERSION_NAME.sql`, or `VERSION_NAME.up.sql` with
    /// `VERSION_NAME.down.sql`. A first line `-- no-transaction` runs a file outside a transaction.
    ///
    /// Files that do not end in `.sql` are left alone; everything that does must be a migration, so
    /// that none is passed over because of its name.
    ///
    /// # Errors
    /// [`SetError`].
    pub async fn from_folder(folder: impl AsRef<Path>) -> Result<Self, SetError> {
        let folder = folder.as_ref().to_owned();
        folder::check(folder.clone()).await?;
        let migrator = Migrator::new(folder).await;
        Self::from_migrator(&migrator.map_err(|_| SetError::Changed)?)
    }

    /// The migrations that `sqlx::migrate!` has embedded.
    ///
    /// # Errors
    /// [`SetError`].
    pub fn from_migrator(migrator: &Migrator) -> Result<Self, SetError> {
        Self::new(migrator.iter().cloned())
    }

    /// These migrations.
    ///
    /// # Errors
    /// [`SetError`].
    pub fn new(migrations: impl IntoIterator<Item = Migration>) -> Result<Self, SetError> {
        let mut ups = BTreeMap::new();
        let mut downs = BTreeMap::new();
        for migration in migrations {
            let version = migration.version;
            if version <= 0 {
                return Err(SetError::Version { version });
            }
            let sql = migration.sql.as_str();
            if sql.contains('\0') || migration.description.contains('\0') {
                return Err(SetError::Nul { version });
            }
            if u64::try_from(sql.len()).unwrap_or(u64::MAX) > MAX_SCRIPT {
                return Err(SetError::Huge { version });
            }
            let one_way = if migration.migration_type.is_down_migration() {
                &mut downs
            } else {
                &mut ups
            };
            if one_way.insert(version, migration).is_some() {
                return Err(SetError::Twice { version });
            }
        }
        let mut hasher = Sha256::new();
        let mut steps = Vec::with_capacity(ups.len());
        for (version, up) in ups {
            let down = downs.remove(&version);
            match (up.migration_type, &down) {
                (MigrationType::ReversibleUp, None) => return Err(SetError::NoDown { version }),
                (MigrationType::Simple, Some(_)) => return Err(SetError::NoUp { version }),
                _ => {}
            }
            hasher.update(version.to_be_bytes());
            hasher.update(up.checksum.len().to_be_bytes());
            hasher.update(&up.checksum);
            steps.push(Step {
                version,
                description: up.description.clone().into_owned(),
                checksum: up.checksum.clone().into_owned(),
                up: Script::of(&up),
                down: down.as_ref().map(Script::of),
                digest: hex(&hasher.clone().finalize()),
            });
        }
        if let Some(version) = downs.into_keys().next() {
            return Err(SetError::NoUp { version });
        }
        if steps.is_empty() {
            return Err(SetError::Empty);
        }
        Ok(Self {
            steps: steps.into(),
        })
    }

    /// The versions, in order.
    pub fn versions(&self) -> Vec<i64> {
        self.steps.iter().map(|step| step.version).collect()
    }

    /// The last version.
    pub fn latest(&self) -> i64 {
        // A set is never empty.
        self.steps.last().map_or(0, |step| step.version)
    }

    /// What each version is called: its file's name, with spaces.
    pub fn description(&self, version: i64) -> Option<&str> {
        self.step(version).map(|step| step.description.as_str())
    }

    /// A digest over versions and checksums up to this one; `None` for a version that is not in
    /// it. Two sets with the same digest are the same so far.
    pub fn digest(&self, up_to: Option<i64>) -> Option<String> {
        match up_to {
            None => Some(hex(&Sha256::new().finalize())),
            Some(version) => self.step(version).map(|step| step.digest.clone()),
        }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn step(&self, version: i64) -> Option<&Step> {
        let at = self
            .steps
            .binary_search_by_key(&version, |step| step.version);
        at.ok().and_then(|at| self.steps.get(at))
    }

    /// Refuses a version that is not in it.
    pub(crate) fn ensure(&self, version: Option<i64>) -> Result<(), super::MigrationError> {
        match version {
            Some(version) if self.step(version).is_none() => {
                Err(super::MigrationError::NotInSet { version })
            }
            _ => Ok(()),
        }
    }
}

impl Script {
    fn of(migration: &Migration) -> Self {
        Self {
            sql: Arc::from(migration.sql.as_str()),
            alone: migration.no_tx,
        }
    }
}

impl fmt::Debug for MigrationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrationSet")
            .field("versions", &self.versions())
            .finish_non_exhaustive()
    }
}
