//! Runs what `tenancy-postgres` plans, on an administrator's connection.

use sqlx::postgres::PgConnection;
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::plan::Plan;
use tenancy_postgres::wall::{SharedTable, Wall};
use tenancy_postgres_pool::{DriverError, Messages, Row, StepReport};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::driver::{Sqlx, message};
use crate::Error;

/// Installs the sealed scope into the connection's database.
///
/// # Errors
/// [`PoolError::Install`](super::PoolError::Install) names the step that failed. Every step may run
/// again.
pub async fn install(
    connection: &mut PgConnection,
    install: &Install,
) -> Result<Vec<StepReport>, Error> {
    apply(connection, install.plan()).await
}

/// Builds the wall around one table.
///
/// # Errors
/// As [`install`].
pub async fn apply_wall(
    connection: &mut PgConnection,
    wall: &Wall,
    roles: &Roles,
) -> Result<Vec<StepReport>, Error> {
    apply(connection, wall.plan(roles)).await
}

/// Declares a table that all tenants share.
///
/// # Errors
/// As [`install`].
pub async fn declare_shared(
    connection: &mut PgConnection,
    table: &SharedTable,
    roles: &Roles,
) -> Result<Vec<StepReport>, Error> {
    apply(connection, table.plan(roles)).await
}

/// Runs a plan's steps in order, and looks at what each has really done.
///
/// # Errors
/// As [`install`].
pub async fn apply(connection: &mut PgConnection, plan: Plan) -> Result<Vec<StepReport>, Error> {
    Ok(tenancy_postgres_pool::apply(&mut Admin(connection), plan).await?)
}

struct Admin<'a>(&'a mut PgConnection);

impl Messages for Admin<'_> {
    async fn message(&mut self, sql: String, secret: bool) -> Result<Vec<Row>, DriverError> {
        let sent = message(self.0, sql);
        let answer = if secret {
            // The driver logs what it sends.
            sent.with_subscriber(NoSubscriber::new()).await
        } else {
            sent.await
        };
        answer.map_err(|error| DriverError::new(&Sqlx, error))
    }
}
