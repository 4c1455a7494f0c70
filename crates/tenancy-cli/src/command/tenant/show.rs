//! `tenancy tenant show`.

use tenancy_core::TenantId;
use tenancy_fleet::registry::RegistryError;

use super::View;
use super::view::Shown;
use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The tenant
    id: TenantId,
    #[command(flatten)]
    base: BaseArguments,
}

impl Show {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let registry = context.registry(self.base).await?;
        let entry = registry.get(&self.id).await?;
        let entry = entry.ok_or(RegistryError::NoSuchTenant)?;
        let tenant = View::whole(&entry);
        context.output.report(&Shown { tenant })?;
        Ok(Exit::Done)
    }
}
