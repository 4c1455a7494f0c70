//! What is run.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// Rows of a range.
pub const RANGE: i64 = 1_000;
/// Statements of one scope.
pub const TEN: i64 = 10;

/// One unit of work in one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Case {
    /// One row by its primary key.
    Select,
    /// One row inserted, and acknowledged.
    Insert,
    /// Ten selects in one scope.
    Ten,
    /// A range of 1,000 rows.
    Range,
    /// One row by its primary key, inside a transaction that is open already.
    SelectInTransaction,
}

impl Case {
    /// The numbers that a run needs: rows of the tenant that are asked for, or one to be inserted.
    pub fn first_row(self, random: u64, rows: i64) -> i64 {
        let last = match self {
            Self::Range => rows - RANGE,
            Self::Ten => rows - TEN,
            _ => rows,
        };
        let last = u64::try_from(last.max(1)).unwrap_or(1);
        i64::try_from(random % last).unwrap_or(0) + 1
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Ten => "ten",
            Self::Range => "range",
            Self::SelectInTransaction => "select_in_transaction",
        })
    }
}

/// The statements of the cases on one table, the parameters `id bigint` and `title text` only. They
/// live as long as the program, as those in an application's source do.
#[derive(Clone, Copy, Debug)]
pub struct Statements {
    /// The title of row `$1`.
    pub select: &'static str,
    /// Row `$1` with the title `$2`.
    pub insert: &'static str,
    /// Id and title of the rows from `$1` to `$2`.
    pub range: &'static str,
}

impl Statements {
    /// No tenant is named: a wall says whose rows they are, or the place where they lie.
    pub fn unnamed(table: &str) -> Self {
        Self {
            select: format!("SELECT title FROM {table} WHERE id = $1").leak(),
            insert: format!("INSERT INTO {table} (id, title) VALUES ($1, $2)").leak(),
            range: format!("SELECT id, title FROM {table} WHERE id BETWEEN $1 AND $2").leak(),
        }
    }

    /// For a shared table without a wall: the tenant is named in each statement, as a literal.
    pub fn named(table: &str, tenant: &str) -> Self {
        let of = format!("FROM {table} WHERE tenant_id = '{tenant}' AND");
        let insert = format!("INSERT INTO {table} (tenant_id, id, title) VALUES");
        Self {
            select: format!("SELECT title {of} id = $1").leak(),
            insert: format!("{insert} ('{tenant}', $1, $2)").leak(),
            range: format!("SELECT id, title {of} id BETWEEN $1 AND $2").leak(),
        }
    }
}

/// What the usual way runs behind each `BEGIN`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// One statement with one text.
    pub sql: &'static str,
    /// The text.
    pub value: &'static str,
}
