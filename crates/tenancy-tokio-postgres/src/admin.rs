//! Runs what `tenancy-postgres` plans, on an administrator's client.

use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::plan::Plan;
use tenancy_postgres::wall::{SharedTable, Wall};
use tenancy_postgres_pool::{DriverError, Messages, Row, StepReport};
use tokio_postgres::Client;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::driver::rows;
use crate::{Error, Tls, TokioPostgres};

/// Installs the sealed scope into the client's database.
///
/// # Errors
/// [`PoolError::Install`](crate::PoolError::Install) names the step that failed. Every step may run
/// again.
pub async fn install(client: &Client, install: &Install) -> Result<Vec<StepReport>, Error> {
    apply(client, install.plan()).await
}

/// Builds the wall around one table.
///
/// # Errors
/// As [`install`].
pub async fn apply_wall(
    client: &Client,
    wall: &Wall,
    roles: &Roles,
) -> Result<Vec<StepReport>, Error> {
    apply(client, wall.plan(roles)).await
}

/// Declares a table that all tenants share.
///
/// # Errors
/// As [`install`].
pub async fn declare_shared(
    client: &Client,
    table: &SharedTable,
    roles: &Roles,
) -> Result<Vec<StepReport>, Error> {
    apply(client, table.plan(roles)).await
}

/// Runs a plan's steps in order, and looks at what each has really done.
///
/// # Errors
/// As [`install`].
pub async fn apply(client: &Client, plan: Plan) -> Result<Vec<StepReport>, Error> {
    Ok(tenancy_postgres_pool::apply(&mut Admin(client), plan).await?)
}

struct Admin<'a>(&'a Client);

impl Messages for Admin<'_> {
    async fn message(&mut self, sql: String, secret: bool) -> Result<Vec<Row>, DriverError> {
        let sent = self.0.simple_query(&sql);
        let answer = if secret {
            // The driver logs what it sends.
            sent.with_subscriber(NoSubscriber::new()).await
        } else {
            sent.await
        };
        match answer {
            Ok(messages) => Ok(rows(&messages)),
            Err(error) => Err(DriverError::new(&TokioPostgres::new(Tls::none()), error)),
        }
    }
}
