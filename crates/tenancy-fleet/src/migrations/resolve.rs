//! An operator's word about a migration that was begun and not finished.

use super::ledger;
use super::{MigrationError, MigrationSet};
use crate::script::{Book, Desk, Limits};
use crate::site::Open;

/// What an operator has found of a migration that was begun and not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// All of it is there (or was finished by hand).
    Applied,
    /// Nothing of it is there (or was taken away by hand): the next run applies it.
    NotApplied,
}

/// Writes it into the ledger. Only a version that is begun and not finished there is touched.
pub(crate) async fn resolve(
    open: &mut Open,
    set: &MigrationSet,
    limits: &Limits,
    version: i64,
    resolution: Resolution,
) -> Result<(), MigrationError> {
    set.ensure(Some(version))?;
    let mut desk = Desk::at(open, Book::Migrations, limits)?;
    let rows = desk.begin().await?;
    let is_it = |row: &ledger::Applied| row.version == version && !row.finished;
    let found = ledger::read(rows).map(|rows| rows.iter().any(is_it));
    if found != Ok(true) {
        desk.leave().await?;
        return Err(found
            .err()
            .unwrap_or(MigrationError::NotUnfinished { version }));
    }
    let table = desk.table();
    let statement = match resolution {
        Resolution::Applied => {
            format!("UPDATE {table} SET success = TRUE WHERE version = {version}")
        }
        Resolution::NotApplied => format!("DELETE FROM {table} WHERE version = {version}"),
    };
    Ok(desk.note(&statement, true).await?)
}
