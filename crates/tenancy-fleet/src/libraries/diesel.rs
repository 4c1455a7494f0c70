//! Diesel's embedded migrations.

use std::fmt;
use std::sync::Arc;

use ::diesel::pg::Pg;
use diesel_async::{AsyncConnection as _, AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _};
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;

use super::{LibraryError, Place, Target, TenantMigrations};

const LIBRARY: &str = "Diesel";

type Harness = AsyncMigrationHarness<AsyncPgConnection>;

/// Diesel's embedded migrations, over a fleet. Each is a transaction of its own.
///
/// Diesel's migrations block, so each tenant's run on a thread of their own. One that has begun goes
/// on to its end when the run is dropped.
#[derive(Clone)]
pub struct DieselMigrations {
    migrations: Arc<EmbeddedMigrations>,
    target: Target,
}

impl DieselMigrations {
    /// What `embed_migrations!` has embedded.
    ///
    /// # Errors
    /// [`LibraryError`] where they can't be read.
    pub fn new(migrations: EmbeddedMigrations) -> Result<Self, LibraryError> {
        use ::diesel::migration::MigrationSource;
        let found = MigrationSource::<Pg>::migrations(&migrations);
        let found = found.map_err(|_| LibraryError::new(LIBRARY, None))?;
        let mut names: Vec<_> = found
            .iter()
            .map(|migration| migration.name().to_string())
            .collect();
        names.sort();
        Ok(Self {
            migrations: Arc::new(migrations),
            target: Target::of(names.iter().map(String::as_str)),
        })
    }
}

impl TenantMigrations for DieselMigrations {
    fn target(&self) -> Target {
        self.target.clone()
    }

    fn apply<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<u64, LibraryError>> {
        let migrations = Arc::clone(&self.migrations);
        Box::pin(aside(place.url().clone(), move |harness| {
            let done = harness.run_pending_migrations(Borrowed(&migrations));
            done.map(|done| done.len())
        }))
    }

    fn revert<'a>(
        &'a self,
        place: &'a Place,
        steps: u32,
    ) -> BoxFuture<'a, Result<u64, LibraryError>> {
        let migrations = Arc::clone(&self.migrations);
        Box::pin(aside(place.url().clone(), move |harness| {
            let mut undone = 0;
            while undone < usize::try_from(steps).unwrap_or(usize::MAX)
                && !harness.applied_migrations()?.is_empty()
            {
                harness.revert_last_migration(Borrowed(&migrations))?;
                undone += 1;
            }
            Ok(undone)
        }))
    }
}

/// `run_pending_migrations` takes its source by value.
struct Borrowed<'a>(&'a EmbeddedMigrations);

impl ::diesel::migration::MigrationSource<Pg> for Borrowed<'_> {
    fn migrations(
        &self,
    ) -> ::diesel::migration::Result<Vec<Box<dyn ::diesel::migration::Migration<Pg>>>> {
        self.0.migrations()
    }
}

/// On a thread that may block.
async fn aside(
    url: SecretString,
    work: impl FnOnce(&mut Harness) -> ::diesel::migration::Result<usize> + Send + 'static,
) -> Result<u64, LibraryError> {
    let handle = Handle::current();
    let blocking = move || {
        let connecting = AsyncPgConnection::establish(url.expose_secret());
        let connection = handle
            .block_on(connecting)
            .map_err(|error| LibraryError::of(LIBRARY, &error))?;
        let mut harness = Harness::new(connection);
        let done = work(&mut harness).map_err(|error| LibraryError::of(LIBRARY, &*error))?;
        Ok(u64::try_from(done).unwrap_or(u64::MAX))
    };
    let done = tokio::task::spawn_blocking(blocking).await;
    done.unwrap_or(Err(LibraryError::new(LIBRARY, None)))
}

impl fmt::Debug for DieselMigrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselMigrations")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
