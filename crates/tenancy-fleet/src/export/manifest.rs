//! What an export says of itself.

use serde::{Deserialize, Serialize};
use tenancy_core::Strategy;

/// `manifest.json`, which is written last: a folder without it is not an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The version of this form.
    pub format: u32,
    /// Whose.
    pub tenant: String,
    /// How the tenant was kept apart.
    pub strategy: Strategy,
    /// `postgresql`, `mariadb` or `sqlite`.
    pub database: String,
    /// The server's version, as it says itself.
    pub database_version: String,
    /// When, in RFC 3339.
    pub exported_at: String,
    /// Whether nobody could write any more: it was made by a removal, before it dropped anything.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The last migration in the place's own ledger.
    pub applied_version: Option<i64>,
    /// How the files of tables are to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv: Option<Csv>,
    /// The whole place in one file: `SQLite`'s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Written>,
    /// Every table with rows of its own, in a file each.
    pub tables: Vec<Table>,
    /// Where sequences stand.
    pub sequences: Vec<Sequence>,
    /// What was there and has no rows of its own to export: views, materialized views, foreign
    /// tables, and partitioned tables, whose partitions are tables here.
    pub left_out: Vec<LeftOut>,
}

/// How a CSV file is to be read: UTF-8, a line of columns' names, commas, lines that end with `\n`,
/// and quotes that are doubled inside of quotes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Csv {
    /// What stands for NULL, without quotes. Between quotes it means itself.
    pub null: String,
    /// The settings under which values were written.
    pub settings: String,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Written {
    /// Its name in the folder.
    pub file: String,
    /// How long it is.
    pub bytes: u64,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Table {
    /// Its schema, on PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// Its file.
    #[serde(flatten)]
    pub written: Written,
    /// How many rows are in the file.
    pub rows: u64,
    /// In their order. Generated ones are not in the file.
    pub columns: Vec<Column>,
    /// The columns of the primary key, in its order.
    pub primary_key: Vec<String>,
    /// The next value of `AUTO_INCREMENT`, on `MariaDB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_increment: Option<i64>,
    /// `false` where the table's engine on `MariaDB` knows no snapshot, so that rows that were written
    /// meanwhile may be there in part.
    pub snapshot: bool,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as the database writes it.
    #[serde(rename = "type")]
    pub kind: String,
    /// How its values are written.
    pub written_as: WrittenAs,
}

/// How a column's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WrittenAs {
    /// As the database writes them.
    Text,
    /// In hexadecimal: `UNHEX` reads it.
    Hex,
    /// A whole number: a BIT.
    Number,
    /// Not at all: the database makes them of other columns.
    Generated,
}

/// Where a sequence stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sequence {
    /// Its schema, on PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value: for `setval`, with `is_called`.
    pub value: i64,
    /// Whether that value was given out; if not, it is the next one.
    pub is_called: bool,
}

/// Something without rows of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// What it is.
    pub kind: String,
    /// Its schema, on PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
}

impl Manifest {
    pub(super) const FORMAT: u32 = 1;

    /// Every file that it names.
    pub(super) fn files(&self) -> impl Iterator<Item = &Written> {
        let tables = self.tables.iter().map(|table| &table.written);
        self.file.iter().chain(tables)
    }
}

/// What is found in a place, before it is a manifest.
pub(super) struct Contents {
    pub(super) database: &'static str,
    pub(super) version: String,
    pub(super) applied_version: Option<i64>,
    pub(super) csv: Option<Csv>,
    pub(super) file: Option<Written>,
    pub(super) tables: Vec<Table>,
    pub(super) sequences: Vec<Sequence>,
    pub(super) left_out: Vec<LeftOut>,
}
