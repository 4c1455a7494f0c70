//! refinery's runner.

use std::fmt;

use ::refinery::{Error, Runner};
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use super::{LibraryError, Place, Target, TenantMigrations};

const LIBRARY: &str = "refinery";

/// The migrations of a refinery runner, over a fleet. Each is a transaction of its own, unless the
/// runner groups them. There is no way back: refinery has none. Its connections are not encrypted.
pub struct RefineryMigrations(Runner);

impl RefineryMigrations {
    /// What `embed_migrations!` has embedded, from its `runner()`.
    pub fn new(runner: Runner) -> Self {
        Self(runner)
    }
}

impl TenantMigrations for RefineryMigrations {
    fn target(&self) -> Target {
        let mut migrations: Vec<_> = self.0.get_migrations().iter().collect();
        migrations.sort();
        let names: Vec<_> = migrations
            .iter()
            .map(|migration| format!("{migration} {}", migration.checksum()))
            .collect();
        Target::of(names.iter().map(String::as_str))
    }

    fn apply<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<u64, LibraryError>> {
        Box::pin(async move {
            let connecting = tokio_postgres::connect(place.url().expose_secret(), NoTls).await;
            let (mut client, connection) =
                connecting.map_err(|error| LibraryError::of(LIBRARY, &error))?;
            // Dropped, it ends the connection's task.
            let mut tasks = JoinSet::new();
            tasks.spawn(connection);
            let report = self
                .0
                .run_async(&mut client)
                .await
                .map_err(|error| failed(&error))?;
            Ok(u64::try_from(report.applied_migrations().len()).unwrap_or(u64::MAX))
        })
    }

    fn revert<'a>(
        &'a self,
        _place: &'a Place,
        _steps: u32,
    ) -> BoxFuture<'a, Result<u64, LibraryError>> {
        Box::pin(async { Err(LibraryError::new("refinery, which has no way back,", None)) })
    }
}

impl fmt::Debug for RefineryMigrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefineryMigrations").finish_non_exhaustive()
    }
}

fn failed(error: &Error) -> LibraryError {
    LibraryError::of(LIBRARY, error)
}
