//! `tenancy tenant deprovision`: a tenant's place removed with all its data, for ever.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tenancy_core::{TenantId, TenantStatus};
use tenancy_fleet::export::Exported;
use tenancy_fleet::provision::{Confirmed, ProvisionError};
use tenancy_fleet::registry::{Entry, Provisioning, RegistryError};

use super::{View, export};
use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::{Report, note, plain};

#[derive(Debug, clap::Args)]
pub(crate) struct Deprovision {
    /// The tenant, which is suspended already
    id: TenantId,
    /// The tenant's id once more, in place of typing it when it is asked for
    #[arg(long, value_name = "ID")]
    yes_drop: Option<String>,
    /// Write everything into this new folder first, when nobody is let in any more; where that fails,
    /// nothing is dropped
    #[arg(long, value_name = "PATH")]
    export: Option<PathBuf>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Removed {
    tenant: View,
    dry_run: bool,
    export: Option<export::View>,
    #[serde(skip)]
    plan: String,
}

impl Report for Removed {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.dry_run {
            writeln!(out, "{}", self.plan)
        } else {
            if let Some(export) = &self.export {
                writeln!(out, "exported {}", export.line())?;
            }
            writeln!(out, "{} is removed, and archived", self.tenant.id)
        }
    }
}

impl Deprovision {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let actor = context.actor()?;
        let fleet = context.fleet(self.base, None).await?;
        let entry = fleet.registry().get(&self.id).await?;
        let entry = entry.ok_or(RegistryError::NoSuchTenant)?;
        let plan = plan(&entry, self.export.as_deref());
        let entry = if self.dry_run {
            if entry.status() == TenantStatus::Active {
                return Err(ProvisionError::StillActive.into());
            }
            entry
        } else {
            note(&plan);
            let typed = match self.yes_drop {
                Some(typed) => typed,
                None => ask(&self.id)?,
            };
            let mut confirmed = Confirmed::new(&self.id, &typed)?;
            if let Some(folder) = &self.export {
                confirmed = confirmed.export_to(folder);
            }
            fleet.deprovision(&self.id, &confirmed, &actor).await?
        };
        // Who never had a place has no export.
        let export = match &self.export {
            Some(folder) if !self.dry_run => Exported::read(folder).await.ok(),
            _ => None,
        };
        context.output.report(&Removed {
            tenant: View::whole(&entry),
            dry_run: self.dry_run,
            export: export.as_ref().map(export::View::of),
            plan,
        })?;
        Ok(Exit::Done)
    }
}

fn plan(entry: &Entry, export: Option<&Path>) -> String {
    let id = entry.id();
    if entry.provisioning() == Provisioning::Removed {
        return format!("{id} is removed already");
    }
    let place = View::brief(entry).place();
    match place {
        Some(place) => {
            let export = export.map_or(String::new(), |folder| {
                let folder = plain(&folder.display().to_string());
                format!("exports everything to {folder}, and only then ")
            });
            format!("{id}: {export}removes for ever, with all its data: {place}; {id} is archived")
        }
        None => format!("{id}: has no place yet; {id} is archived"),
    }
}

/// Has the id typed. Only at a terminal: a pipe is no person.
fn ask(id: &TenantId) -> Result<String, CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::NobodyToAsk);
    }
    let mut typed = String::new();
    // Not on a line of its own, as people expect it.
    let _ = write!(anstream::stderr(), "type the tenant's id ({id}) to go on: ");
    io::stdin().read_line(&mut typed)?;
    Ok(typed.trim_end_matches(['\n', '\r']).to_owned())
}
