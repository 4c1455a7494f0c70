//! `tenancy tenant ..`.

mod create;
mod deprovision;
mod export;
mod fill_pending;
mod list;
mod maintenance;
mod onboard;
mod place;
mod show;
mod status;
mod view;

use tenancy_core::TenantStatus;

use crate::base::Context;
use crate::error::{CliError, Exit};

use place::Work;
pub(crate) use view::View;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Tenant {
    /// All tenants, in the order of their ids
    List(list::List),
    /// One tenant, without its secrets
    Show(show::Show),
    /// Record a tenant; on shared tables it is active at once, elsewhere its place comes first
    Create(create::Create),
    /// Record a tenant, make its place and make it active; it may be said again for one that was
    /// left half made
    Onboard(onboard::Onboard),
    /// Make the place of a tenant that is recorded, from wherever it was left
    Provision(place::Place),
    /// Remove a suspended tenant's place with all its data, for ever, and archive it
    Deprovision(deprovision::Deprovision),
    /// Write everything in a tenant's place into a new folder: each table as CSV, or SQLite's file,
    /// and a manifest
    Export(export::Export),
    /// Give a tenant's login another password, without an outage
    RotatePassword(place::Place),
    /// Make places ahead of need, of which `onboard` then takes one
    FillPending(fill_pending::FillPending),
    /// Serve a tenant no more, in every process, until it is activated
    Suspend(status::Change),
    /// Ask a tenant's members to come again later, in every process, or let them only read
    Maintenance(maintenance::Maintenance),
    /// Serve a tenant whose place is ready
    Activate(status::Change),
}

impl Tenant {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Create(create) => create.run(context).await,
            Self::Onboard(onboard) => onboard.run(context).await,
            Self::Provision(place) => place.run(Work::Provision, context).await,
            Self::Deprovision(deprovision) => deprovision.run(context).await,
            Self::Export(export) => export.run(context).await,
            Self::RotatePassword(place) => place.run(Work::RotatePassword, context).await,
            Self::FillPending(fill) => fill.run(context).await,
            Self::Maintenance(maintenance) => maintenance.run(context).await,
            Self::Suspend(change) => change.run(TenantStatus::Suspended, context).await,
            Self::Activate(change) => change.run(TenantStatus::Active, context).await,
        }
    }
}
