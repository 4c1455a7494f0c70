//! `tenancy tenant onboard`.

use tenancy_core::TenantId;

use super::View;
use super::create::NewArguments;
use super::view::Shown;
use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct Onboard {
    /// Its id: 1 to 63 characters of a-z, 0-9, - and _
    id: TenantId,
    #[command(flatten)]
    new: NewArguments,
    #[command(flatten)]
    base: BaseArguments,
}

impl Onboard {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let actor = context.actor()?;
        let strategy = self.new.strategy;
        let onboarding = self.new.onboarding(self.id)?;
        let fleet = context.fleet(self.base, strategy).await?;
        let fleet = context.furnishing(fleet).await?;
        let entry = fleet.onboard(onboarding, &actor).await?;
        let tenant = View::whole(&entry);
        context.output.report(&Shown { tenant })?;
        Ok(Exit::Done)
    }
}
