//! `tenancy tenant provision` and `rotate-password`: a tenant's place, made and changed.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_core::TenantId;
use tenancy_fleet::registry::{Entry, Provisioning, RegistryError};

use super::View;
use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::Report;

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Provision,
    RotatePassword,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The tenant
    id: TenantId,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Worked {
    tenant: View,
    dry_run: bool,
    #[serde(skip)]
    said: &'static str,
}

impl Report for Worked {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} {}", self.tenant.id, self.said)?;
        self.tenant.text(out)
    }
}

impl Place {
    pub(crate) async fn run(self, work: Work, context: &Context) -> Result<Exit, CliError> {
        let actor = context.actor()?;
        let fleet = context.fleet(self.base, None).await?;
        let entry = fleet.registry().get(&self.id).await?;
        let entry = entry.ok_or(RegistryError::NoSuchTenant)?;
        let said = said(work, &entry, self.dry_run);
        let entry = match work {
            _ if self.dry_run => entry,
            Work::Provision => {
                let fleet = context.furnishing(fleet).await?;
                fleet.provision(&self.id, &actor).await?
            }
            Work::RotatePassword => fleet.rotate_password(&self.id, &actor).await?,
        };
        context.output.report(&Worked {
            tenant: View::whole(&entry),
            dry_run: self.dry_run,
            said,
        })?;
        Ok(Exit::Done)
    }
}

fn said(work: Work, before: &Entry, dry_run: bool) -> &'static str {
    let ready = before.provisioning() == Provisioning::Ready;
    match (work, dry_run) {
        (Work::Provision, _) if ready => "has its place already",
        (Work::Provision, true) => "would be provisioned",
        (Work::Provision, false) => "is provisioned",
        (Work::RotatePassword, true) => "would have another password",
        (Work::RotatePassword, false) => "has another password",
    }
}
