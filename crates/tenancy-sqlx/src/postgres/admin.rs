//! Runs what `tenancy-postgres` plans, on an administrator's connection.

use sqlx::postgres::PgConnection;
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::plan::{Plan, Step};
use tenancy_postgres::wall::{SharedTable, Wall};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::wire::{message, text};
use crate::Error;

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepReport {
    /// The step's name.
    pub name: &'static str,
    /// The database's error code, where it refused a step that the rest stands without.
    pub refused: Option<String>,
    /// Whether its effect is there, where that can be asked. A `REVOKE` without the right to it only
    /// warns, so success alone says little.
    pub holds: Option<bool>,
}

/// Installs the sealed scope into the connection's database.
///
/// # Errors
/// [`Error::Install`] names the step that failed. Every step may run again.
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
    let mut reports = Vec::with_capacity(plan.steps().len());
    for step in plan {
        reports.push(run(connection, &step).await?);
    }
    Ok(reports)
}

async fn run(connection: &mut PgConnection, step: &Step) -> Result<StepReport, Error> {
    let name = step.name();
    let ran = message(connection, step.sql().to_owned());
    let ran = if step.is_secret() {
        // The driver logs what it sends.
        ran.with_subscriber(NoSubscriber::new()).await
    } else {
        ran.await
    };
    let refused = match ran {
        Ok(_) => None,
        Err(sqlx::Error::Database(error)) if step.is_optional() => {
            Some(error.code().unwrap_or_default().into_owned())
        }
        Err(error) => {
            return Err(Error::Install {
                step: name,
                source: error.into(),
            });
        }
    };
    let holds = match step.holds_sql() {
        None => None,
        Some(sql) => {
            let rows =
                message(connection, sql.to_owned())
                    .await
                    .map_err(|error| Error::Install {
                        step: name,
                        source: error.into(),
                    })?;
            Some(rows.first().and_then(|row| text(row, 0)) == Some("t"))
        }
    };
    Ok(StepReport {
        name,
        refused,
        holds,
    })
}
