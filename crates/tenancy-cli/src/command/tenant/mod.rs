//! `tenancy tenant ..`.

mod create;
mod list;
mod show;
mod status;
mod view;

use tenancy_core::TenantStatus;

use crate::base::Context;
use crate::error::{CliError, Exit};

pub(crate) use view::View;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Tenant {
    /// All tenants, in the order of their ids
    List(list::List),
    /// One tenant, without its secrets
    Show(show::Show),
    /// Record a tenant; on shared tables it is active at once, elsewhere its place comes first
    Create(create::Create),
    /// Serve a tenant no more, in every process, until it is activated
    Suspend(status::Change),
    /// Serve a tenant whose place is ready
    Activate(status::Change),
}

impl Tenant {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Create(create) => create.run(context).await,
            Self::Suspend(change) => change.run(TenantStatus::Suspended, context).await,
            Self::Activate(change) => change.run(TenantStatus::Active, context).await,
        }
    }
}
