//! Everything of one tenant's place in a new folder: by itself, or before the place is removed.
//!
//! ```no_run
//! # use tenancy_core::TenantId;
//! # use tenancy_fleet::{Fleet, provision::Confirmed, registry::Actor};
//! # async fn run(fleet: Fleet, ada: Actor) -> Result<(), Box<dyn std::error::Error>> {
//! let acme = TenantId::new("acme")?;
//! let exported = fleet.export(&acme, "/backup/acme").await?; // goes on being served
//! println!("{} tables, {} rows", exported.manifest.tables.len(), exported.rows());
//!
//! let last = Confirmed::new(&acme, "acme")?.export_to("/backup/acme-last");
//! fleet.offboard(&acme, &last, &ada).await?; // locked out, exported, and only then removed
//! # Ok(()) }
//! ```
//!
//! - **A file for each table with rows of its own**, as CSV; a partition is such a table. PostgreSQL
//!   writes them itself (`COPY .. TO`), so that `COPY .. FROM` with `FORMAT csv, HEADER` reads them
//!   back: NULL is nothing, and an empty text is `""`. On `MariaDB` NULL is the bare word `NULL`, all
//!   else is in quotes, and `LOAD DATA` with `FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY ''
//!   IGNORE 1 LINES` reads them back (more than 1 where a column's name has line breaks); bytes, spatial values and vectors are in hexadecimal (for
//!   `UNHEX`), a BIT is a number, a FLOAT has the digits of a DOUBLE, a TIMESTAMP is in UTC. A place
//!   of `SQLite`'s is one file, a copy that has passed its integrity check.
//! - **One moment**: all tables are read in one read-only transaction with one snapshot. (Engines of
//!   `MariaDB`'s without transactions have none; the manifest says so.)
//! - **Rows, and no definitions**: tables, views and functions are what migrations make. The manifest
//!   has the migrations' version, each table's columns, types and primary key, where sequences stand,
//!   and each file's length and SHA-256. It is written last: a folder without `manifest.json` is not
//!   an export, and one that a kill left half written is taken up by the next export of that tenant.
//! - **Nothing is left out in silence**: a table that the owner role can't read, one from which row
//!   security would hide rows, a large object, a table with system versioning: each ends the export.
//! - The folder is made for this user alone, is never one with something in it, and no link.

mod error;
mod folder;
mod manifest;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod sheet;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod verify;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tenancy_core::{Placement, Strategy, TenantId};

pub use error::ExportError;
pub use manifest::{Column, Csv, LeftOut, Manifest, Sequence, Table, Written, WrittenAs};

use crate::Fleet;
use crate::provision::ProvisionError;
use crate::registry::Provisioning;
use crate::script::Limits;
use crate::site::{Engine, Site};

use folder::Draft;
use manifest::Contents;

/// A folder with an export.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The folder.
    pub folder: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
}

impl Exported {
    /// How many rows there are in all tables' files.
    pub fn rows(&self) -> u64 {
        self.manifest.tables.iter().map(|table| table.rows).sum()
    }

    /// How many bytes there are in all files but the manifest.
    pub fn bytes(&self) -> u64 {
        self.manifest.files().map(|file| file.bytes).sum()
    }
}

impl Fleet {
    /// Writes everything in a tenant's place into a new folder. The tenant may be served meanwhile:
    /// what is written is one moment.
    ///
    /// # Errors
    /// [`ProvisionError::NotReady`] for a tenant without a whole place, [`ProvisionError::NoPlace`] on
    /// shared tables; [`ProvisionError::Export`].
    pub async fn export(
        &self,
        id: &TenantId,
        folder: impl AsRef<Path> + Send,
    ) -> Result<Exported, ProvisionError> {
        let entry = self.entry(id).await?;
        if entry.strategy() == Strategy::RowLevel {
            return Err(ProvisionError::NoPlace);
        }
        let placement = entry.placement().ok_or(ProvisionError::NotReady)?;
        match entry.provisioning() {
            Provisioning::Ready => {}
            Provisioning::Removing | Provisioning::Removed => return Err(ProvisionError::Removed),
            _ => return Err(ProvisionError::NotReady),
        }
        let source = Source {
            site: self.sites.of(placement)?,
            tenant: id,
            placement,
            limits: &self.limits,
        };
        let mut draft = Draft::begin(folder.as_ref(), id)?;
        let contents = source.read(&mut draft).await?;
        publish(draft, source.tenant, placement, contents, false)?;
        Ok(Exported::read(folder).await?)
    }
}

/// Whose place is read, and how.
pub(crate) struct Source<'a> {
    pub(crate) site: &'a Site,
    pub(crate) tenant: &'a TenantId,
    pub(crate) placement: &'a Placement,
    pub(crate) limits: &'a Limits,
}

impl Source<'_> {
    async fn read(&self, draft: &mut Draft) -> Result<Contents, ExportError> {
        match &self.site.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(site) => Box::pin(postgres::read(self, site, draft)).await,
            #[cfg(feature = "mysql")]
            Engine::Mysql(site) => Box::pin(mysql::read(self, site, draft)).await,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(site) => Box::pin(sqlite::read(self, site, draft)).await,
        }
    }
}

/// The export that a removal makes when nobody can write any more, and before it drops anything.
pub(crate) struct Last<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) folder: &'a Path,
}

impl Last<'_> {
    /// Does nothing where the removal has made it before and was then broken off.
    pub(crate) async fn make(&self) -> Result<(), ExportError> {
        let tenant = self.source.tenant;
        if is_last(self.folder, tenant).await? {
            return Ok(());
        }
        let mut draft = Draft::begin(self.folder, tenant)?;
        let contents = self.source.read(&mut draft).await?;
        publish(draft, tenant, self.source.placement, contents, true)
    }

    /// Where there is nothing left to export: it must have been made before.
    #[cfg(feature = "sqlite")]
    pub(crate) async fn ensure_made(&self) -> Result<(), ExportError> {
        if is_last(self.folder, self.source.tenant).await? {
            Ok(())
        } else {
            Err(ExportError::NothingLeft)
        }
    }

    /// The same on a connection that has a file of `SQLite`'s for itself.
    #[cfg(feature = "sqlite")]
    pub(crate) async fn make_of(
        &self,
        connection: &mut sqlx::sqlite::SqliteConnection,
    ) -> Result<(), ExportError> {
        let tenant = self.source.tenant;
        if is_last(self.folder, tenant).await? {
            return Ok(());
        }
        let mut draft = Draft::begin(self.folder, tenant)?;
        let contents = sqlite::copy(connection, &mut draft).await?;
        publish(draft, tenant, self.source.placement, contents, true)
    }
}

/// Whether the folder holds this tenant's last export, sound. Once a removal has begun, nobody writes
/// into the place again: so it is as good as one made now.
pub(crate) async fn is_last(folder: &Path, tenant: &TenantId) -> Result<bool, ExportError> {
    match Exported::read(folder).await {
        Ok(found) if found.manifest.is_final && found.manifest.tenant == tenant.as_str() => {
            Exported::verify(folder).await.map(|_| true)
        }
        Ok(_) => Err(ExportError::NotEmpty),
        Err(ExportError::NoExport) => Ok(false),
        Err(error) => Err(error),
    }
}

fn publish(
    draft: Draft,
    tenant: &TenantId,
    placement: &Placement,
    contents: Contents,
    is_final: bool,
) -> Result<(), ExportError> {
    draft.publish(&Manifest {
        format: Manifest::FORMAT,
        tenant: tenant.to_string(),
        strategy: placement.strategy(),
        database: contents.database.to_owned(),
        database_version: contents.version,
        exported_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        is_final,
        applied_version: contents.applied_version,
        csv: contents.csv,
        file: contents.file,
        tables: contents.tables,
        sequences: contents.sequences,
        left_out: contents.left_out,
    })
}
