//! Runs what `tenancy-postgres` plans, on an administrator's connection.

use std::future::Future;

use tenancy_postgres::plan::{Plan, Step};

use crate::{DriverError, Error, Row};

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

/// An administrator's connection.
pub trait Messages: Send {
    /// Sends `sql` as one simple message, and reads its answer to the end. A secret one must not
    /// reach a log.
    ///
    /// # Errors
    /// The driver's.
    fn message(
        &mut self,
        sql: String,
        secret: bool,
    ) -> impl Future<Output = Result<Vec<Row>, DriverError>> + Send;
}

/// Runs a plan's steps in order, and looks at what each has really done.
///
/// # Errors
/// [`Error::Install`] names the step that failed. Every step may run again.
pub async fn apply<M: Messages>(messages: &mut M, plan: Plan) -> Result<Vec<StepReport>, Error> {
    let mut reports = Vec::with_capacity(plan.steps().len());
    for step in plan {
        reports.push(run(messages, &step).await?);
    }
    Ok(reports)
}

async fn run<M: Messages>(messages: &mut M, step: &Step) -> Result<StepReport, Error> {
    let name = step.name();
    let failed = |source| Error::Install { step: name, source };
    let ran = messages
        .message(step.sql().to_owned(), step.is_secret())
        .await;
    let refused = match ran {
        Ok(_) => None,
        Err(error) if step.is_optional() && !error.is_lost() && error.code().is_some() => {
            error.code().map(str::to_owned)
        }
        Err(error) => return Err(failed(error)),
    };
    let holds = match step.holds_sql() {
        None => None,
        Some(sql) => {
            let rows = messages
                .message(sql.to_owned(), false)
                .await
                .map_err(failed)?;
            let answer = rows.first().and_then(|row| row.first()?.as_deref());
            Some(answer == Some("t"))
        }
    };
    Ok(StepReport {
        name,
        refused,
        holds,
    })
}
