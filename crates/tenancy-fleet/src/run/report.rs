//! What has become of every tenant.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tenancy_core::TenantId;

/// What has become of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// Migrated, or rolled back.
    Moved {
        /// The version before.
        from: Option<i64>,
        /// The version now.
        to: Option<i64>,
        /// What was applied or undone, in order.
        versions: Vec<i64>,
    },
    /// Seeded with these.
    Seeded {
        /// In order.
        seeds: Vec<String>,
    },
    /// What would be done, in a dry run.
    Would {
        /// The version now.
        from: Option<i64>,
        /// The version then.
        to: Option<i64>,
        /// What would be applied or undone, in order.
        versions: Vec<i64>,
    },
    /// Which seeds would run, in a dry run.
    WouldSeed {
        /// In order.
        seeds: Vec<String>,
    },
    /// There was nothing to do.
    Current,
    /// It failed.
    Failed {
        /// Why, and what to do: no row and no value.
        reason: String,
        /// The database's code, where it gave one.
        code: Option<String>,
    },
    /// It was not tried.
    NotTried {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = |version: &Option<i64>| version.map_or("0".to_owned(), |it| it.to_string());
        match self {
            Self::Moved { from, to, .. } => write!(f, "{} to {}", version(from), version(to)),
            Self::Seeded { seeds } => write!(f, "seeded {}", seeds.join(", ")),
            Self::Would { from, to, .. } => {
                write!(f, "would go from {} to {}", version(from), version(to))
            }
            Self::WouldSeed { seeds } => write!(f, "would be seeded with {}", seeds.join(", ")),
            Self::Current => f.write_str("nothing to do"),
            Self::Failed { reason, .. } => write!(f, "failed: {reason}"),
            Self::NotTried { reason } => write!(f, "not tried: {reason}"),
        }
    }
}

/// A tenant that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Whose.
    pub tenant: TenantId,
    /// Why, and what to do: no row and no value.
    pub reason: String,
    /// The database's code, where it gave one.
    pub code: Option<String>,
}

/// Why a run ended before every tenant was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Halt {
    /// A canary failed.
    Canary,
    /// So many failed as were asked for.
    Failures,
    /// It was [stopped](super::Stop).
    Stopped,
    /// The registry could not be read any more: who was left is not known.
    Registry {
        /// What it said.
        reason: String,
    },
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canary => f.write_str("a canary failed"),
            Self::Failures => f.write_str("too many others failed"),
            Self::Stopped => f.write_str("the run was stopped"),
            Self::Registry { reason } => write!(f, "the registry could not be read: {reason}"),
        }
    }
}

/// What has become of all tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// How many were moved or seeded, or would be in a dry run.
    pub done: u64,
    /// For how many there was nothing to do.
    pub current: u64,
    /// Those that failed.
    pub failed: Vec<Failure>,
    /// How many were not tried. The observer has their names.
    pub not_tried: u64,
    /// Why not all were tried.
    pub halted: Option<Halt>,
    /// How many outcomes could not be recorded in the registry: the next run looks at those again.
    pub unrecorded: u64,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

impl Report {
    /// Whether every tenant is where it shall be.
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty() && self.not_tried == 0 && self.halted.is_none()
    }
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}
