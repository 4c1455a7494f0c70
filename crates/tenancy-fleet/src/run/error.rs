//! Why a run did not begin.

use crate::migrations::MigrationError;
use crate::registry::RegistryError;

/// Why a run did not begin. What happens to single tenants is in the [`Report`](super::Report).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The registry could not be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The version is not in the set.
    #[error("there is no migration {version} in this set: name one that is")]
    NotInSet {
        /// Which.
        version: i64,
    },
    /// What was asked of one place could not be done.
    #[error(transparent)]
    Place(#[from] MigrationError),
    /// There is no tenant of this id with a place.
    #[error("no tenant of this id has a place that is ready: see its id, and provision it first")]
    NoPlace,
}
