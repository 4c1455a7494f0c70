//! `tenancy resolve`: a migration that was begun and not finished, and what an operator found of it.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_core::TenantId;
use tenancy_fleet::migrations::Resolution;

use crate::base::{BaseArguments, Context};
use crate::config::Side;
use crate::error::{CliError, Exit};
use crate::output::Report;

/// A migration outside a transaction that was killed is neither applied nor not: look at what it has
/// done, finish it or take it away by hand, and say which.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("where").required(true).args(["tenant", "of_base"])))]
#[command(group(clap::ArgGroup::new("found").required(true).args(["applied", "not_applied"])))]
pub(crate) struct Resolve {
    /// The migration
    #[arg(value_name = "VERSION")]
    version: i64,
    /// In this tenant's place
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
    /// In the base database
    #[arg(long = "base")]
    of_base: bool,
    /// All of it is there
    #[arg(long)]
    applied: bool,
    /// Nothing of it is there: the next run applies it
    #[arg(long)]
    not_applied: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Resolved {
    version: i64,
    tenant: Option<String>,
    applied: bool,
}

impl Report for Resolved {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let place = self.tenant.as_deref().unwrap_or("base");
        let what = if self.applied {
            "applied"
        } else {
            "not applied"
        };
        writeln!(out, "{place}: {} counts as {what}", self.version)
    }
}

impl Resolve {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let resolution = if self.applied {
            Resolution::Applied
        } else {
            Resolution::NotApplied
        };
        if let Some(tenant) = &self.tenant {
            let actor = context.actor()?;
            let set = context.migrations(Side::Tenants).await?;
            let fleet = context.fleet(self.base, None).await?;
            fleet
                .resolve(tenant, &set, self.version, resolution, &actor)
                .await?;
        } else {
            let set = context.migrations(Side::Base).await?;
            context.ready(self.base).await?;
            context
                .base()?
                .resolve(&set, self.version, resolution)
                .await?;
        }
        context.output.report(&Resolved {
            version: self.version,
            tenant: self.tenant.map(|tenant| tenant.to_string()),
            applied: self.applied,
        })?;
        Ok(Exit::Done)
    }
}
