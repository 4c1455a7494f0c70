//! Why a tenant's place could not be exported.

use std::io::ErrorKind;

use crate::Fault;
use crate::site::SiteError;

/// Why a tenant's place could not be exported: nothing was removed of it. No variant holds a row, a
/// value or a path; a table's name may stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The place can't be reached, or is not the tenant's.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// What is to become the folder is something else.
    #[error(
        "the export's folder is a file or a symbolic link, which is not followed: name a folder that is not there yet"
    )]
    NotAFolder,
    /// There is something in the folder.
    #[error(
        "the export's folder is there and not empty, so nothing was written: name one that is not there yet"
    )]
    NotEmpty,
    /// Somebody else exports into the folder.
    #[error("another process is writing an export into this folder: wait for it, or name another")]
    FolderBusy,
    /// A file or the folder could not be written.
    #[error(
        "the export could not be written ({0}), and nothing was removed: see that its parent folder is there and is this user's to write, that the disk is not full, and run it again"
    )]
    Write(ErrorKind),
    /// Somebody else is at work in the place.
    #[error(
        "somebody else is at work in this place: wait for them, or see which connection holds its lock"
    )]
    Busy,
    /// A table could not be read, or not all of it.
    #[error(
        "table {table} could not be read as a whole, so there is no export and nothing was removed: {fault}. The owner role must be allowed to read it, and no row security may hide rows from it"
    )]
    Table {
        /// Which, on one line.
        table: String,
        /// What the database said.
        fault: Fault,
    },
    /// There is something of which an export has no form.
    #[error(
        "the place holds {what}, which an export can't carry: save it with the database's own tools, and take it out first"
    )]
    NotCarried {
        /// What.
        what: &'static str,
    },
    /// Tables came and went.
    #[error("tables of the place changed while they were looked at: run it again when nobody does")]
    Changed,
    /// The copy of a `SQLite` file is not sound.
    #[error(
        "the copy of the tenant's file did not pass SQLite's integrity check, so the file itself is damaged: restore it from a backup"
    )]
    NotSound,
    /// The folder holds no export.
    #[error(
        "there is no manifest in this folder, so what lies there is not an export, or not all of one"
    )]
    NoExport,
    /// An export is not as it was written.
    #[error(
        "this export is not as it was written ({what}): take another copy of it, or export again"
    )]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
    /// The place was removed before.
    #[error(
        "the tenant's place is removed already, and the folder holds no export that was made before that: there is nothing left to export"
    )]
    NothingLeft,
    /// The database failed.
    #[error("the tenant's database could not do it: {0}")]
    Database(Fault),
}

impl From<Fault> for ExportError {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}

impl ExportError {
    #[allow(clippy::needless_pass_by_value)] // for `map_err`
    pub(super) fn written(error: std::io::Error) -> Self {
        Self::Write(error.kind())
    }

    /// A table's name on one line, and what was said of it.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn table(schema: &str, name: &str, fault: Fault) -> Self {
        if fault.is_lost() {
            return Self::Database(fault);
        }
        let table = format!("{schema}.{name}").escape_debug().to_string();
        Self::Table { table, fault }
    }
}
