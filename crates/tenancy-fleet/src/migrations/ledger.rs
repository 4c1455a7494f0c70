//! What a place's ledger says against the set, and what is to be done.

use std::sync::Arc;

use super::MigrationError;
use super::set::{MigrationSet, Script, Step};
use crate::db::{Cell, Kind, Row};
use crate::script::text;

/// A row of the ledger.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) version: i64,
    /// In hexadecimal.
    pub(super) checksum: String,
    pub(super) finished: bool,
}

pub(super) fn read(rows: Vec<Row>) -> Result<Vec<Applied>, MigrationError> {
    let one = |row: Row| match <[Cell; 3]>::try_from(row) {
        Ok([Cell::Int(version), Cell::Text(checksum), Cell::Int(success)]) => Ok(Applied {
            version,
            checksum,
            finished: success == 1,
        }),
        _ => Err(MigrationError::Ledger),
    };
    rows.into_iter().map(one).collect()
}

/// Where a place is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Up to this version, or the last one. A place that is above it stays there.
    Up(Option<i64>),
    /// Down to this version, or to nothing.
    Down(Option<i64>),
    /// Down by so many.
    Steps(usize),
}

/// Refuses a ledger that contradicts the set.
pub(super) fn check(set: &MigrationSet, ledger: &[Applied]) -> Result<(), MigrationError> {
    for row in ledger {
        let version = row.version;
        if !row.finished {
            return Err(MigrationError::Unfinished {
                version,
                invalid: Vec::new(),
            });
        }
        let step = set
            .step(version)
            .ok_or(MigrationError::Unknown { version })?;
        if text::hex(&step.checksum) != row.checksum {
            return Err(MigrationError::Edited { version });
        }
    }
    let Some(last) = ledger.last() else {
        return Ok(());
    };
    // Each of them is in the set, so as many as there are must be the first of it.
    let missing = set
        .steps()
        .iter()
        .zip(ledger)
        .find(|(step, row)| step.version != row.version);
    match missing {
        Some((step, _)) => Err(MigrationError::Gap {
            version: step.version,
            applied: last.version,
        }),
        None => Ok(()),
    }
}

/// Nobody knows how long it took: `SQLx` writes the same.
const UNTIMED: &str = "-1";

/// One script, and what it writes into the ledger.
pub(super) struct Task<'a> {
    step: &'a Step,
    pub(super) script: &'a Script,
    is_up: bool,
}

/// What is to be done, in order, where so many are applied.
pub(super) fn plan(
    set: &MigrationSet,
    applied: usize,
    goal: Goal,
) -> Result<Vec<Task<'_>>, MigrationError> {
    let (applied, pending) = set.steps().split_at(applied.min(set.steps().len()));
    let down_to = match goal {
        Goal::Up(to) => {
            let wanted = pending
                .iter()
                .filter(|step| to.is_none_or(|to| step.version <= to));
            return Ok(wanted
                .map(|step| Task {
                    step,
                    script: &step.up,
                    is_up: true,
                })
                .collect());
        }
        Goal::Down(to) => to.unwrap_or(0),
        Goal::Steps(steps) => {
            let kept = applied.len().saturating_sub(steps);
            kept.checked_sub(1)
                .and_then(|at| applied.get(at))
                .map_or(0, |step| step.version)
        }
    };
    let above = applied
        .iter()
        .rev()
        .take_while(|step| step.version > down_to);
    above
        .map(|step| {
            let script = step.down.as_ref().ok_or(MigrationError::NoDown {
                version: step.version,
            })?;
            Ok(Task {
                step,
                script,
                is_up: false,
            })
        })
        .collect()
}

impl Task<'_> {
    pub(super) fn version(&self) -> i64 {
        self.step.version
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up
    }

    pub(super) fn sql(&self) -> &Arc<str> {
        &self.script.sql
    }

    fn insert(&self, kind: Kind, table: &str, success: bool, nanos: &str) -> String {
        format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) \
             VALUES ({}, {}, {}, {}, {nanos})",
            self.step.version,
            text::text(kind, &self.step.description),
            if success { "TRUE" } else { "FALSE" },
            text::bytes(kind, &self.step.checksum),
        )
    }

    fn update(&self, table: &str, success: bool, nanos: &str) -> String {
        format!(
            "UPDATE {table} SET success = {}, execution_time = {nanos} WHERE version = {}",
            if success { "TRUE" } else { "FALSE" },
            self.step.version,
        )
    }

    fn delete(&self, table: &str) -> String {
        format!("DELETE FROM {table} WHERE version = {}", self.step.version)
    }

    /// After it has run in a transaction, for so long.
    pub(super) fn done(&self, kind: Kind, table: &str, nanos: &str) -> String {
        if self.is_up {
            self.insert(kind, table, true, nanos)
        } else {
            self.delete(table)
        }
    }

    /// Before it runs where nothing undoes it.
    pub(super) fn begun(&self, kind: Kind, table: &str) -> String {
        if self.is_up {
            self.insert(kind, table, false, UNTIMED)
        } else {
            self.update(table, false, UNTIMED)
        }
    }

    /// After that.
    pub(super) fn finished(&self, table: &str) -> String {
        if self.is_up {
            self.update(table, true, UNTIMED)
        } else {
            self.delete(table)
        }
    }

    /// Where it has failed, and nothing came of it.
    pub(super) fn undone(&self, table: &str) -> String {
        if self.is_up {
            self.delete(table)
        } else {
            self.update(table, true, UNTIMED)
        }
    }
}
