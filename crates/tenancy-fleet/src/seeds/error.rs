//! Why a place could not be seeded.

use crate::script::Trouble;
use crate::site::SiteError;
use crate::{Fault, ScriptFault};

/// Why a place could not be seeded. The seeds before the one that failed are there, and recorded.
///
/// No variant holds a row or a value; see [`ScriptFault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The place can't be reached, or is not the tenant's.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Somebody else works on the place.
    #[error(
        "somebody else is at work in this place: wait for them, or see which connection holds its lock"
    )]
    Busy,
    /// A seed was edited after it has run.
    #[error(
        "seed {name} was changed after it has run here: put it back and write a new one, or have all of them run again"
    )]
    Edited {
        /// Which.
        name: String,
    },
    /// A seed failed, and was undone.
    #[error("seed {name} failed, and what it did was undone: {said}")]
    Script {
        /// Which.
        name: String,
        /// What the database said.
        said: ScriptFault,
    },
    /// A seed ended the transaction itself.
    #[error(
        "seed {name} ended the transaction that it ran in (by COMMIT, ROLLBACK, or on MariaDB by DDL), so a part of its work is there and it is not recorded: take that out, and see what is there before it runs again"
    )]
    Left {
        /// Which.
        name: String,
    },
    /// The connection was lost while a seed was being saved.
    #[error(
        "the connection was lost while a seed was being saved, so all of it is or nothing: run again to see"
    )]
    Unsure,
    /// The table of seeds can't be read.
    #[error("the table of seeds here holds what can't be read: mend it")]
    Ledger,
    /// The database failed.
    #[error("the tenant's database could not do it: {0}")]
    Database(Fault),
    /// No connection in time.
    #[error("no connection to the place came in time: see that its server is up, and not full")]
    Timeout,
}

impl SeedError {
    /// The database's code, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Script { said, .. } => said.fault().code(),
            Self::Database(fault) | Self::Site(SiteError::Database(fault)) => fault.code(),
            _ => None,
        }
    }

    /// What stands in the way of a seed.
    pub(super) fn of(trouble: Trouble, name: &str) -> Self {
        let name = name.to_owned();
        match trouble {
            Trouble::Left => Self::Left { name },
            Trouble::Refused(said) => Self::Script { name, said },
            other => other.into(),
        }
    }
}

impl From<Trouble> for SeedError {
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
