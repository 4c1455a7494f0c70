//! `tenancy migrate`.

use super::one::Base;
use super::over::{Over, drive};
use crate::base::{BaseArguments, Context};
use crate::config::Side;
use crate::error::{CliError, Exit};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Migrate {
    /// The base database
    Base(OfBase),
    /// Tenants' own places; who is there already, as the registry knows, is not looked at
    Tenants(OfTenants),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Goal {
    /// Up to this version, in place of the last one
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// Say what would be applied, and apply nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OfBase {
    #[command(flatten)]
    goal: Goal,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OfTenants {
    #[command(flatten)]
    over: Over,
    /// Look into each tenant's own ledger, also where the registry knows of nothing to do
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    goal: Goal,
}

impl Migrate {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Base(of_base) => of_base.run(context).await,
            Self::Tenants(of_tenants) => of_tenants.run(context).await,
        }
    }
}

impl OfBase {
    async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Goal { to, dry_run, base } = self.goal;
        let set = context.migrations(Side::Base).await?;
        context.ready(base).await?;
        let (base, limits) = (context.base()?, context.limits()?);
        let outcome = if dry_run {
            base.foresee(&set, to, &limits).await?
        } else {
            base.migrate(&set, to, &limits).await?
        };
        context.output.report(&Base {
            dry_run,
            base: outcome,
        })?;
        Ok(Exit::Done)
    }
}

impl OfTenants {
    async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Goal { to, dry_run, base } = self.goal;
        let set = context.migrations(Side::Tenants).await?;
        let mut run = self.over.run(context)?;
        if self.verify {
            run = run.everyone();
        }
        if dry_run {
            run = run.dry();
        }
        let fleet = context.fleet(base, None).await?;
        let work = async |run| fleet.migrate(&set, to, &run).await;
        drive(context, run, dry_run, work).await
    }
}
