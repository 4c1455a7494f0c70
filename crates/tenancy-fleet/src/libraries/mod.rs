//! Other libraries' migrations over a fleet: SeaORM's, Diesel's, refinery's, or your own.
//!
//! The same runs as for SQL files ([`crate::run`]): parallel, canaries, an outcome for every tenant, one
//! lock for each. What holds inside a place is the library's own: its ledger, its transactions (SeaORM
//! runs all that is pending in one; Diesel and refinery each migration in its own) and its checks. On
//! PostgreSQL, in schemas and in databases.
//!
//! Each tenant takes two connections: one that holds its lock, and the library's own.

#[cfg(feature = "diesel")]
mod diesel;
mod error;
mod place;
#[cfg(feature = "refinery")]
mod refinery;
#[cfg(feature = "sea-orm")]
mod sea_orm;

use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

#[cfg(feature = "diesel")]
pub use self::diesel::DieselMigrations;
#[cfg(feature = "refinery")]
pub use self::refinery::RefineryMigrations;
#[cfg(feature = "sea-orm")]
pub use self::sea_orm::SeaOrmMigrations;
pub use error::LibraryError;
pub use place::Place;

use crate::script::text::hex;

/// Where a tenant is once everything was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub(crate) version: i64,
    pub(crate) digest: String,
}

impl Target {
    /// The target of migrations with these names (and checksums, where there are some), in order:
    /// their number, and a digest.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Sha256::new();
        let mut version = 0;
        for name in names {
            version += 1;
            hasher.update(name.len().to_be_bytes());
            hasher.update(name);
        }
        Self {
            version,
            digest: hex(&hasher.finalize()),
        }
    }

    /// How many migrations there are.
    pub fn version(&self) -> i64 {
        self.version
    }
}

/// Migrations that something else than this crate runs.
pub trait TenantMigrations: Send + Sync {
    /// Where a tenant is once everything was applied.
    fn target(&self) -> Target;

    /// Applies what is pending in one tenant's place, and answers with how many that were. Called
    /// for one tenant at a time in each place; dropped when the run is.
    fn apply<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<u64, LibraryError>>;

    /// Undoes the last `steps`, and answers with how many that were.
    fn revert<'a>(
        &'a self,
        place: &'a Place,
        steps: u32,
    ) -> BoxFuture<'a, Result<u64, LibraryError>>;
}
