//! `tenancy seed`.

use super::one::Base;
use super::over::{Over, drive};
use crate::base::{BaseArguments, Context};
use crate::config::Side;
use crate::error::{CliError, Exit};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Seed {
    /// The base database
    Base(OfBase),
    /// Tenants' own places
    Tenants(OfTenants),
}

#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Also those that have run
    #[arg(long)]
    again: bool,
    /// Say which would run where, and run none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OfBase {
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OfTenants {
    #[command(flatten)]
    over: Over,
    #[command(flatten)]
    how: How,
}

impl Seed {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Base(OfBase { how }) => {
                let seeds = context.seeds(Side::Base).await?;
                context.ready(how.base).await?;
                let (base, limits) = (context.base()?, context.limits()?);
                let dry_run = how.dry_run;
                let base = if dry_run {
                    base.foresee_seed(&seeds, how.again, &limits).await?
                } else {
                    base.seed(&seeds, how.again, &limits).await?
                };
                context.output.report(&Base { dry_run, base })?;
                Ok(Exit::Done)
            }
            Self::Tenants(OfTenants { over, how }) => {
                let seeds = context.seeds(Side::Tenants).await?;
                let mut run = over.run(context)?;
                if how.dry_run {
                    run = run.dry();
                }
                let fleet = context.fleet(how.base, None).await?;
                let work = async |run| fleet.seed(&seeds, how.again, &run).await;
                drive(context, run, how.dry_run, work).await
            }
        }
    }
}
