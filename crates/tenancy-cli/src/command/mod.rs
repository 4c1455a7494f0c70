//! One file for each command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod make;
pub(crate) mod man;
pub(crate) mod migrate;
mod one;
mod over;
pub(crate) mod prepare;
pub(crate) mod resolve;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod secrets;
pub(crate) mod seed;
pub(crate) mod status;
pub(crate) mod tenant;

use crate::App;
use crate::arguments::Command;
use crate::base::Context;
use crate::error::{CliError, Exit};

pub(crate) async fn run(app: &App, command: Command, context: &Context) -> Result<Exit, CliError> {
    match command {
        Command::Check(check) => check.run(context).await,
        Command::Prepare(prepare) => prepare.run(context).await,
        Command::Tenant(tenant) => tenant.run(context).await,
        Command::Secrets(secrets) => secrets.run(context).await,
        Command::Migrate(migrate) => migrate.run(context).await,
        Command::Rollback(rollback) => rollback.run(context).await,
        Command::Status(status) => status.run(context).await,
        Command::Resolve(resolve) => resolve.run(context).await,
        Command::Seed(seed) => seed.run(context).await,
        Command::Make(make) => make.run(context),
        Command::Run(run) => run.run(context).await,
        Command::Completions(completions) => completions.run(app, context),
        Command::Man(man) => man.run(app, context),
    }
}
