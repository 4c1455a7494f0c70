//! A tenant's file of `SQLite`'s: a copy of it.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tenancy_sqlite::TenantFile;

use super::folder::{DATABASE, Draft};
use super::manifest::Contents;
use super::sheet::create;
use super::{ExportError, Source, verify};
use crate::db::{Cell, Lane as _, Value, fault};
use crate::script::Book;
use crate::site::{SiteError, SqliteSite, sqlite_connect, sqlite_ensure_marked, sqlite_refused};

/// The statement that copies attaches the copy, which a sealed connection can't.
pub(super) async fn read(
    source: &Source<'_>,
    site: &SqliteSite,
    draft: &mut Draft,
) -> Result<Contents, ExportError> {
    let file = TenantFile::in_folder(&site.folder, source.tenant);
    if !file.is_named_by(source.placement) {
        return Err(SiteError::Placement {
            reason: "it is not the file of its id",
        }
        .into());
    }
    file.check().map_err(sqlite_refused)?;
    let mut connection = sqlite_connect(file.path()).await?;
    sqlite_ensure_marked(&mut connection, source.tenant).await?;
    copy(&mut connection, draft).await
}

/// Copies what the connection is open on.
pub(super) async fn copy(
    connection: &mut SqliteConnection,
    draft: &mut Draft,
) -> Result<Contents, ExportError> {
    let path = draft.database();
    let text = path
        .to_str()
        .ok_or(ExportError::Write(std::io::ErrorKind::InvalidFilename))?;
    // There, empty and for this user alone, before SQLite opens it.
    create(&path).map_err(ExportError::written)?;
    // Nothing that the file's own schema calls may do more than compute.
    connection
        .raw("PRAGMA trusted_schema = OFF".to_owned())
        .await
        .map_err(fault)?;
    let copied = connection
        .run("VACUUM INTO ?1".to_owned(), &[Value::from(text)])
        .await;
    copied.map_err(|error| full(fault(error)))?;
    let (version, applied_version) = look(&path).await?;
    let file = verify::blocking(move || {
        let file = verify::open(&path).map_err(ExportError::written)?;
        // SQLite doesn't wait for the disk here.
        file.sync_all().map_err(ExportError::written)?;
        verify::measure(file, DATABASE)
    })
    .await?;
    Ok(Contents {
        database: "sqlite",
        version,
        applied_version,
        csv: None,
        file: Some(file),
        tables: Vec::new(),
        sequences: Vec::new(),
        left_out: Vec::new(),
    })
}

/// Whether the copy is sound, `SQLite`'s version, and the ledger's.
async fn look(copy: &Path) -> Result<(String, Option<i64>), ExportError> {
    let mut connection = sqlite_connect(copy).await?;
    let sound = connection
        .raw_rows("PRAGMA integrity_check".to_owned())
        .await
        .map_err(fault)?;
    if sound != [[Cell::Text("ok".to_owned())]] {
        return Err(ExportError::NotSound);
    }
    let ledger = Book::Migrations.name();
    let there =
        format!("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{ledger}'");
    let mut applied = None;
    if connection.raw_rows(there).await.map_err(fault)? == [[Cell::Int(1)]] {
        let sql = format!("SELECT max(version) FROM main.\"{ledger}\" WHERE success");
        let rows = connection.raw_rows(sql).await.map_err(fault)?;
        applied = match rows.into_iter().flatten().next() {
            Some(Cell::Int(version)) => Some(version),
            _ => None,
        };
    }
    let version = connection
        .raw_rows("SELECT sqlite_version()".to_owned())
        .await
        .map_err(fault)?;
    let version = match version.into_iter().flatten().next() {
        Some(Cell::Text(version)) => version,
        _ => String::new(),
    };
    connection.close().await.map_err(fault)?;
    Ok((version, applied))
}

/// `SQLITE_FULL` and `SQLITE_IOERR`: the copy's disk is as likely as the file's own.
fn full(fault: crate::Fault) -> ExportError {
    let code = fault.code().and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(13) => ExportError::Write(std::io::ErrorKind::StorageFull),
        Some(10) => ExportError::Write(std::io::ErrorKind::Other),
        _ => fault.into(),
    }
}
