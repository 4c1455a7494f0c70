//! `tenancy tenant maintenance`.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tenancy_core::{Availability, TenantId};
use tenancy_fleet::registry::{self, Expected, RegistryError};

use super::View;
use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::Report;

/// Its members are asked to come again, with 503 and `Retry-After`, until it is ended; the time that
/// is announced ends nothing. Migrations, seeds and provisioning go on.
#[derive(Debug, clap::Args)]
pub(crate) struct Maintenance {
    /// The tenant
    id: TenantId,
    /// Let its data be read meanwhile
    #[arg(long, conflicts_with = "end")]
    read_only: bool,
    /// How long it may take, as in 30m or 2h: what its members are told
    #[arg(long = "for", value_name = "TIME", conflicts_with = "end", value_parser = humantime::parse_duration)]
    announced: Option<Duration>,
    /// It is over: serve the tenant as before
    #[arg(long)]
    end: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Turned {
    tenant: View,
    changed: bool,
}

impl Report for Turned {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let already = if self.changed { "" } else { " already" };
        let availability = self.tenant.available();
        writeln!(out, "{} is {availability}{already}", self.tenant.id)
    }
}

impl Maintenance {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let actor = context.actor()?;
        let to = self.availability();
        let registry = context.registry(self.base).await?;
        let entry = registry.get(&self.id).await?;
        let entry = entry.ok_or(RegistryError::NoSuchTenant)?;
        let changed = entry.availability() != to;
        let entry = if changed {
            // Whoever else changes it at this moment: this is meant in any case.
            let change = registry::Change::availability(to);
            registry
                .update(&self.id, Expected::Any, change, &actor)
                .await?
        } else {
            entry
        };
        context.output.report(&Turned {
            tenant: View::whole(&entry),
            changed,
        })?;
        Ok(Exit::Done)
    }

    fn availability(&self) -> Availability {
        // What is too far away for the clock is as good as unknown.
        let until = self.announced;
        let until = until.and_then(|time| SystemTime::now().checked_add(time));
        match (self.end, self.read_only) {
            (true, _) => Availability::Open,
            (false, true) => Availability::ReadOnly { until },
            (false, false) => Availability::Maintenance { until },
        }
    }
}
