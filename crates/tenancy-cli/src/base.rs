//! The way to the registry in the base database.

use tenancy_fleet::registry::{Actor, Registry, RegistryBuilder, RegistryError};

use crate::config::{Config, ConfigError, Setting};
use crate::error::CliError;
use crate::output::{Output, note};
use crate::sets::Embedded;

/// For commands that need the base database.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct BaseArguments {
    /// Make the base database and the registry in it where they are missing, and migrate a registry
    /// of an older version
    #[arg(long)]
    pub(crate) create_base: bool,
}

/// What every command is given.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) output: Output,
    pub(crate) actor: Option<String>,
    pub(crate) embedded: Embedded,
}

impl Context {
    /// The registry, without keys.
    pub(crate) async fn registry(&self, base: BaseArguments) -> Result<Registry, CliError> {
        self.connect(self.builder()?, base).await
    }

    /// The base database, with or without a registry in it.
    pub(crate) async fn ready(&self, base: BaseArguments) -> Result<(), CliError> {
        if base.create_base {
            self.registry(base).await?.close().await;
            Ok(())
        } else {
            self.builder()?.reach().await.map_err(CliError::Base)
        }
    }

    /// The registry with the keys for tenants' credentials.
    pub(crate) async fn keyed_registry(&self, base: BaseArguments) -> Result<Registry, CliError> {
        let keyring = self.config.keyring()?.ok_or(CliError::NoKey)?;
        self.connect(self.builder()?.keyring(keyring), base).await
    }

    pub(crate) fn builder(&self) -> Result<RegistryBuilder, ConfigError> {
        let mut builder = Registry::builder(self.config.base_url()?);
        if let Some(prefix) = self.config.text(Setting::REGISTRY_PREFIX)? {
            builder = builder.prefix(prefix);
        }
        if let Some(schema) = self.config.text(Setting::REGISTRY_SCHEMA)? {
            builder = builder.schema(schema);
        }
        Ok(builder)
    }

    pub(crate) async fn connect(
        &self,
        builder: RegistryBuilder,
        base: BaseArguments,
    ) -> Result<Registry, CliError> {
        if base.create_base {
            match builder.create_database().await {
                Ok(true) => note("the base database was made"),
                Ok(false) => {}
                // Who may not look for it may still enter it.
                Err(RegistryError::Database(fault)) => builder
                    .reach()
                    .await
                    .map_err(|_| CliError::Base(RegistryError::Database(fault)))?,
                Err(error) => return Err(error.into()),
            }
            return Ok(builder.install().await?);
        }
        builder.reach().await.map_err(CliError::Base)?;
        Ok(builder.connect().await?)
    }

    /// Who stands in the audit: `--actor`, `TENANCY_ACTOR`, or the user of this machine.
    pub(crate) fn actor(&self) -> Result<Actor, CliError> {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let named = self.actor.clone().or_else(|| variable("TENANCY_ACTOR"));
        let user = || variable("USER").or_else(|| variable("LOGNAME"));
        let name = named.or_else(user).unwrap_or_else(|| "tenancy".to_owned());
        Ok(Actor::new(name)?)
    }
}
