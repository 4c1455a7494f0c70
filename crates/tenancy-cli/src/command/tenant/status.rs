//! `tenancy tenant suspend` and `activate`.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_core::{TenantId, TenantStatus};
use tenancy_fleet::registry::{self, Expected, RegistryError};

use super::View;
use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct Change {
    /// The tenant
    id: TenantId,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Turned {
    tenant: View,
    changed: bool,
    dry_run: bool,
    #[serde(skip)]
    to: TenantStatus,
}

impl Report for Turned {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (id, to) = (&self.tenant.id, self.to);
        match (self.changed, self.dry_run) {
            (false, _) => writeln!(out, "{id} is {to} already"),
            (true, false) => writeln!(out, "{id} is {to}"),
            (true, true) => writeln!(out, "{id} is {}, and would be {to}", self.tenant.status),
        }
    }
}

impl Change {
    pub(crate) async fn run(self, to: TenantStatus, context: &Context) -> Result<Exit, CliError> {
        let actor = context.actor()?;
        let registry = context.registry(self.base).await?;
        let entry = registry.get(&self.id).await?;
        let entry = entry.ok_or(RegistryError::NoSuchTenant)?;
        let changed = entry.status() != to;
        let entry = if changed && !self.dry_run {
            // Whoever else changes it at this moment: this is meant in any case.
            let change = registry::Change::status(to);
            registry
                .update(&self.id, Expected::Any, change, &actor)
                .await?
        } else {
            entry
        };
        context.output.report(&Turned {
            tenant: View::whole(&entry),
            changed,
            dry_run: self.dry_run,
            to,
        })?;
        Ok(Exit::Done)
    }
}
