//! A tenant's place in a folder: what is in it, what is refused, and that nothing is lost.

mod broken;
mod csv;
mod last;
mod mariadb;
mod place;
mod postgres;

use std::path::PathBuf;

use tempfile::TempDir;
use tenancy_core::TenantId;
use tenancy_fleet::export::{ExportError, Exported, Table};
use tenancy_fleet::provision::ProvisionError;

use crate::provision::ground::Ground;

/// A folder that is not there yet, in one that is.
fn new_folder() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("export");
    (parent, folder)
}

#[track_caller]
fn export_error<T: std::fmt::Debug>(result: Result<T, ProvisionError>) -> ExportError {
    match result {
        Err(ProvisionError::Export(error)) => error,
        other => panic!("no error of an export's: {other:?}"),
    }
}

fn table<'e>(export: &'e Exported, name: &str) -> &'e Table {
    let mut tables = export.manifest.tables.iter();
    tables.find(|table| table.name == name).unwrap()
}

fn text(export: &Exported, name: &str) -> String {
    let file = &table(export, name).written.file;
    std::fs::read_to_string(export.folder.join(file)).unwrap()
}

/// The titles of the notes in an export.
async fn notes(ground: &Ground, export: &Exported) -> Vec<String> {
    if ground.is_sqlite() {
        let path = export.folder.join("database.db");
        let url = format!("sqlite://{}?mode=ro", path.display());
        let mut side = crate::registry::side::Side::connect(&url).await;
        let titles = side.texts("SELECT title FROM notes ORDER BY id").await;
        return titles.lines().map(str::to_owned).collect();
    }
    let rows = csv::parse(&text(export, "notes"));
    let title = |row: &Vec<Option<String>>| row[1].clone().unwrap();
    rows[1..].iter().map(title).collect()
}

async fn onboard(ground: &Ground, id: &TenantId) {
    ground
        .fleet
        .onboard(id, &crate::registry::ada())
        .await
        .unwrap();
}
