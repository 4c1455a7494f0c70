//! `tenancy tenant create`.

use tenancy_core::{Domain, Strategy, TenantId};
use tenancy_fleet::provision::Onboarding;
use tenancy_fleet::registry::NewTenant;

use super::View;
use super::view::Shown;
use crate::base::{BaseArguments, Context};
use crate::config::strategy;
use crate::error::{CliError, Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// Its id: 1 to 63 characters of a-z, 0-9, - and _
    id: TenantId,
    #[command(flatten)]
    new: NewArguments,
    #[command(flatten)]
    base: BaseArguments,
}

/// What is said of a new tenant.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArguments {
    /// A domain of its own; may be given several times
    #[arg(long, value_name = "NAME")]
    domain: Vec<Domain>,
    /// The application's own data about it
    #[arg(long, value_name = "JSON", value_parser = json)]
    metadata: Option<serde_json::Value>,
    /// How it is kept apart: database, schema or row; as in the configuration, unless it is said
    #[arg(long, value_parser = strategy_word)]
    pub(super) strategy: Option<Strategy>,
}

impl NewArguments {
    /// The tenant, active where there is nothing to make for it.
    fn tenant(self, id: TenantId, context: &Context) -> Result<NewTenant, CliError> {
        let strategy = match self.strategy {
            Some(strategy) => strategy,
            None => context.config.strategy()?,
        };
        let new = if strategy == Strategy::RowLevel {
            NewTenant::active(id)
        } else {
            NewTenant::new(id, strategy)
        };
        let new = self.domain.into_iter().fold(new, NewTenant::domain);
        Ok(match &self.metadata {
            Some(metadata) => new.metadata(metadata)?,
            None => new,
        })
    }
}

impl NewArguments {
    /// The tenant as it signs up.
    pub(super) fn onboarding(self, id: TenantId) -> Result<Onboarding, CliError> {
        let new = self.domain.into_iter();
        let new = new.fold(Onboarding::new(id), Onboarding::domain);
        Ok(match &self.metadata {
            Some(metadata) => new.metadata(metadata)?,
            None => new,
        })
    }
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    // Where, and not what: it is shown beside the value itself.
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("it is no JSON, from line {line}, column {column} on")
    })
}

fn strategy_word(word: &str) -> Result<Strategy, &'static str> {
    strategy(word).ok_or("it is none of database, schema and row")
}

impl Create {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let (new, actor) = (self.new.tenant(self.id, context)?, context.actor()?);
        let registry = context.registry(self.base).await?;
        let entry = registry.create(new, &actor).await?;
        let tenant = View::whole(&entry);
        context.output.report(&Shown { tenant })?;
        Ok(Exit::Done)
    }
}
