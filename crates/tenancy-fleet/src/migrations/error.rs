//! What is wrong with migrations, or with a place that they come to.

use std::io::ErrorKind;

use crate::script::Trouble;
use crate::site::SiteError;
use crate::{Fault, ScriptFault};

/// What is wrong with a set of migrations or seeds. Nothing was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// The folder can't be read.
    #[error("the folder can't be read ({kind}): see its path and rights")]
    Folder {
        /// What the system said.
        kind: ErrorKind,
    },
    /// A file looks like a migration or a seed, and is none.
    #[error(
        "{name} in the folder would be passed over or fail: {reason}; rename or mend it, or take it out"
    )]
    Name {
        /// The file's name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The folder changed while it was read.
    #[error("the folder changed while it was read: try again")]
    Changed,
    /// There is nothing.
    #[error("there is nothing to run: see that this is the right folder")]
    Empty,
    /// A version below one.
    #[error("there is a migration of version {version}: versions are above zero")]
    Version {
        /// Which.
        version: i64,
    },
    /// Two of one version.
    #[error("two migrations have version {version}: give one of them another")]
    Twice {
        /// Which.
        version: i64,
    },
    /// An up without its down.
    #[error("migration {version} has an up and no down: add it, or name the file without .up")]
    NoDown {
        /// Which.
        version: i64,
    },
    /// A down without its up.
    #[error("migration {version} has a down and no up: add it, or take the down out")]
    NoUp {
        /// Which.
        version: i64,
    },
    /// A NUL byte.
    #[error("migration {version} holds a NUL byte, which no database takes: take it out")]
    Nul {
        /// Which.
        version: i64,
    },
    /// Too large.
    #[error("migration {version} is larger than 16 MiB: load data in another way")]
    Huge {
        /// Which.
        version: i64,
    },
}

/// Why a place could not be migrated. Unless its message says otherwise, nothing was changed in it.
///
/// No variant holds a row or a value; see [`ScriptFault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The version is not in the set.
    #[error("there is no migration {version} in this set: name one that is")]
    NotInSet {
        /// Which.
        version: i64,
    },
    /// The place can't be reached, or is not the tenant's.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Somebody else works on the place.
    #[error(
        "somebody else is at work in this place: wait for them, or see which connection holds its lock"
    )]
    Busy,
    /// A migration was begun and not finished.
    #[error("migration {version} was begun here and not finished: see what it has done{}, then say so with `resolve`", hints(.invalid))]
    Unfinished {
        /// Which.
        version: i64,
        /// On PostgreSQL, indexes that are not valid: dropped and made again, they are.
        invalid: Vec<String>,
    },
    /// An applied version is not in the set.
    #[error(
        "migration {version} was applied here and is not in this set: use the set that has it, or put its file back"
    )]
    Unknown {
        /// Which.
        version: i64,
    },
    /// A file was edited after it was applied.
    #[error(
        "migration {version} was changed after it was applied here: put it back as it was, and write a new one"
    )]
    Edited {
        /// Which.
        version: i64,
    },
    /// A version was left out.
    #[error(
        "migration {version} was never applied here, though {applied} was: give it a version above that"
    )]
    Gap {
        /// Which.
        version: i64,
        /// The highest that was applied.
        applied: i64,
    },
    /// There is no way back.
    #[error(
        "migration {version} has no down file, so nothing was undone: write one, or stop above it"
    )]
    NoDown {
        /// Which.
        version: i64,
    },
    /// A migration failed, and was undone.
    #[error("migration {version} failed, and everything since the last commit was undone: {said}")]
    Script {
        /// Which.
        version: i64,
        /// What the database said.
        said: ScriptFault,
    },
    /// A migration failed that was not in a transaction.
    #[error("migration {version} failed outside a transaction, and may have done a part of its work: {said}; see what it has done{}, then say so with `resolve`", hints(.invalid))]
    Half {
        /// Which.
        version: i64,
        /// What the database said.
        said: ScriptFault,
        /// As in [`Unfinished`](Self::Unfinished).
        invalid: Vec<String>,
    },
    /// A migration ended the transaction itself.
    #[error(
        "migration {version} ended the transaction that it ran in, so a part of its work is there for good: take its COMMIT or ROLLBACK out (or start the file with `-- no-transaction`), see what it has done, then say so with `resolve`"
    )]
    Left {
        /// Which.
        version: i64,
    },
    /// The connection was lost while everything was being saved.
    #[error(
        "the connection was lost while the migrations were being saved, so all or none are: run again to see"
    )]
    Unsure,
    /// The ledger can't be read.
    #[error("the ledger of migrations here holds what can't be read: mend it")]
    Ledger,
    /// No such version is to be resolved.
    #[error(
        "migration {version} is not one that was begun and not finished here: nothing to resolve"
    )]
    NotUnfinished {
        /// Which.
        version: i64,
    },
    /// The database failed.
    #[error("the tenant's database could not do it: {0}")]
    Database(Fault),
    /// No connection in time.
    #[error("no connection to the place came in time: see that its server is up, and not full")]
    Timeout,
}

fn hints(invalid: &[String]) -> String {
    if invalid.is_empty() {
        String::new()
    } else {
        format!(" (invalid indexes: {})", invalid.join(", "))
    }
}

impl MigrationError {
    /// The database's code, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Script { said, .. } | Self::Half { said, .. } => said.fault().code(),
            Self::Database(fault) | Self::Site(SiteError::Database(fault)) => fault.code(),
            _ => None,
        }
    }

    /// What stands in the way at `version`, the script that came last.
    pub(crate) fn of(trouble: Trouble, version: i64) -> Self {
        match trouble {
            Trouble::Left => Self::Left { version },
            Trouble::Refused(said) => Self::Script { version, said },
            other => other.into(),
        }
    }
}

impl From<Trouble> for MigrationError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Busy => Self::Busy,
            Trouble::Missing => SiteError::Missing.into(),
            Trouble::NotOurs => SiteError::NotOurs.into(),
            Trouble::Unknown => Self::Unsure,
            Trouble::Refused(said) => Self::Database(said.fault),
            // Where no script has run, nothing can have been left.
            Trouble::Left => Self::Ledger,
            Trouble::Fault(fault) => Self::Database(fault),
        }
    }
}
