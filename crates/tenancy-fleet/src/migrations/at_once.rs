//! The usual case, in one message: one migration more, in a place of which the registry knows where
//! it is.

use super::apply::{Moved, mark_as_begun};
use super::ledger::{self, Goal};
use super::{MigrationError, MigrationSet};
use crate::db::FaultKind;
use crate::registry::Entry;
use crate::script::{Book, Desk, Limits, Trouble};
use crate::site::Open;

/// How long it took since the transaction began, in nanoseconds, as PostgreSQL says it.
const NANOS: &str = "(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.now()) \
     OPERATOR(pg_catalog.*) 1000000000)::bigint";

/// Where a place should be.
pub(crate) struct Known<'a> {
    version: i64,
    digest: &'a str,
}

impl<'a> Known<'a> {
    /// As the registry has it. `None`: it doesn't know.
    pub(crate) fn of(entry: &'a Entry) -> Option<Self> {
        Some(Self {
            version: entry.applied_version()?,
            digest: entry.applied_digest()?,
        })
    }
}

/// `None`: it can't be done at once, or the place is somewhere else. Nothing has happened.
pub(super) async fn at_once(
    open: &mut Open,
    set: &MigrationSet,
    limits: &Limits,
    goal: Goal,
    known: &Known<'_>,
) -> Result<Option<Moved>, MigrationError> {
    let at = set
        .steps()
        .binary_search_by_key(&known.version, |step| step.version);
    let (Goal::Up(_), Ok(at)) = (goal, at) else {
        return Ok(None);
    };
    if set.digest(Some(known.version)).as_deref() != Some(known.digest) {
        return Ok(None);
    }
    let plan = ledger::plan(set, at + 1, goal)?;
    let [task] = plan.as_slice() else {
        return Ok(None);
    };
    if task.script.alone {
        return Ok(None);
    }
    let mut desk = Desk::at(open, Book::Migrations, limits)?;
    let entry = task.done(desk.kind(), &desk.table(), NANOS);
    let trouble = match desk.at_once(known.digest, task.sql(), &entry).await {
        Ok(true) => {
            return Ok(Some(Moved {
                from: Some(known.version),
                to: Some(task.version()),
                versions: vec![task.version()],
            }));
        }
        Ok(false) => return Ok(None),
        Err(trouble) => trouble,
    };
    match &trouble {
        // Once more, in steps.
        Trouble::Refused(said) if said.fault().is(FaultKind::Passing) => return Ok(None),
        Trouble::Left => mark_as_begun(&mut desk, task).await,
        _ => {}
    }
    Err(MigrationError::of(trouble, task.version()))
}
