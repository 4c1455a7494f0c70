//! `tenancy rollback`.

use tenancy_fleet::run::Back;

use super::one::Base;
use super::over::{Over, drive};
use crate::base::{BaseArguments, Context};
use crate::config::Side;
use crate::error::{CliError, Exit};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Rollback {
    /// The base database
    Base(OfBase),
    /// Tenants' own places; each of them is looked at
    Tenants(OfTenants),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Goal {
    /// By so many migrations, counted from the highest version that any of them is at
    #[arg(
        long,
        value_name = "N",
        required_unless_present = "to",
        conflicts_with = "to"
    )]
    steps: Option<usize>,
    /// To this version: what is above it is undone; 0 undoes all
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// Say what would be undone, and undo nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

impl Goal {
    fn back(&self) -> Back {
        match (self.steps, self.to) {
            (Some(steps), _) => Back::Steps(steps),
            (None, Some(0) | None) => Back::Nothing,
            (None, Some(version)) => Back::To(version),
        }
    }
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
    #[command(flatten)]
    goal: Goal,
}

impl Rollback {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Base(of_base) => of_base.run(context).await,
            Self::Tenants(of_tenants) => of_tenants.run(context).await,
        }
    }
}

impl OfBase {
    async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let (back, dry_run) = (self.goal.back(), self.goal.dry_run);
        let set = context.migrations(Side::Base).await?;
        context.ready(self.goal.base).await?;
        let (base, limits) = (context.base()?, context.limits()?);
        let outcome = if dry_run {
            base.foresee_rollback(&set, back, &limits).await?
        } else {
            base.rollback(&set, back, &limits).await?
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
        let (back, dry_run) = (self.goal.back(), self.goal.dry_run);
        let set = context.migrations(Side::Tenants).await?;
        let mut run = self.over.run(context)?;
        if dry_run {
            run = run.dry();
        }
        let fleet = context.fleet(self.goal.base, None).await?;
        let work = async |run| fleet.rollback(&set, back, &run).await;
        drive(context, run, dry_run, work).await
    }
}
