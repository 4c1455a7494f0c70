//! SeaORM's migrator.

use std::marker::PhantomData;

use futures_util::future::BoxFuture;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};
use secrecy::ExposeSecret as _;

use super::{LibraryError, Place, Target, TenantMigrations};

const LIBRARY: &str = "SeaORM";

/// The migrations of a SeaORM migrator, over a fleet. What is pending for one tenant is one
/// transaction.
#[derive(Debug, Clone, Copy)]
pub struct SeaOrmMigrations<M>(PhantomData<fn() -> M>);

impl<M: MigratorTrait> SeaOrmMigrations<M> {
    /// Those of `M`.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M: MigratorTrait> Default for SeaOrmMigrations<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: MigratorTrait + Sync> TenantMigrations for SeaOrmMigrations<M> {
    fn target(&self) -> Target {
        let migrations = M::migrations();
        Target::of(migrations.iter().map(|migration| migration.name()))
    }

    fn apply<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<u64, LibraryError>> {
        Box::pin(async move {
            let database = connect(place).await.map_err(failed)?;
            let pending = M::get_pending_migrations(&database).await.map_err(failed)?;
            if !pending.is_empty() {
                M::up(&database, None).await.map_err(failed)?;
            }
            database.close().await.map_err(failed)?;
            Ok(count(pending.len()))
        })
    }

    fn revert<'a>(
        &'a self,
        place: &'a Place,
        steps: u32,
    ) -> BoxFuture<'a, Result<u64, LibraryError>> {
        Box::pin(async move {
            let database = connect(place).await.map_err(failed)?;
            let applied = M::get_applied_migrations(&database).await.map_err(failed)?;
            M::down(&database, Some(steps)).await.map_err(failed)?;
            database.close().await.map_err(failed)?;
            Ok(count(applied.len()).min(steps.into()))
        })
    }
}

async fn connect(place: &Place) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(place.url().expose_secret());
    options
        .min_connections(0)
        .max_connections(1)
        .sqlx_logging(false);
    Database::connect(options).await
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn failed(error: DbErr) -> LibraryError {
    match &error {
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => LibraryError::of(LIBRARY, &**inner),
        other => LibraryError::of(LIBRARY, other),
    }
}

fn count(migrations: usize) -> u64 {
    u64::try_from(migrations).unwrap_or(u64::MAX)
}
