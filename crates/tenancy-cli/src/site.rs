//! The place for tenants' places, by the configuration.

use secrecy::SecretString;
use tenancy_core::Strategy;
use tenancy_fleet::Fleet;
use tenancy_fleet::registry::Registry;
use tenancy_fleet::site::Site;

use crate::base::{BaseArguments, Context};
use crate::config::{Config, Dialect, Setting, Side};
use crate::error::CliError;

impl Context {
    /// The registry and the site. With keys, where there are some: tenants without a login need none.
    pub(crate) async fn fleet(
        &self,
        base: BaseArguments,
        strategy: Option<Strategy>,
    ) -> Result<Fleet, CliError> {
        let site = self.site(strategy)?;
        let registry: Registry = if let Some(keyring) = self.config.keyring()? {
            self.connect(self.builder()?.keyring(keyring), base).await?
        } else {
            self.registry(base).await?
        };
        Ok(Fleet::new(registry, site))
    }

    pub(crate) fn site(&self, strategy: Option<Strategy>) -> Result<Site, CliError> {
        let config = &self.config;
        let strategy = strategy.map_or_else(|| config.strategy(), Ok)?;
        let mut site = engine(config)?.strategy(strategy);
        if let Some(prefix) = config.text(Setting::DATABASE_PREFIX)? {
            site = site.database_prefix(prefix);
        }
        if let Some(prefix) = config.text(Setting::SCHEMA_PREFIX)? {
            site = site.schema_prefix(prefix);
        }
        if let Some(prefix) = config.text(Setting::LOGIN_PREFIX)? {
            site = site.login_prefix(prefix);
        }
        Ok(site)
    }
}

/// The base database's own server, to be looked at. `None`: it is a file.
pub(crate) fn of_base(config: &Config) -> Result<Option<Site>, CliError> {
    let url = config.base_url()?;
    match config.dialect(Side::Base)? {
        Dialect::Postgres => postgres_at(url).map(Some),
        Dialect::Mysql => mysql_at(url).map(Some),
        Dialect::Sqlite => Ok(None),
    }
}

fn engine(config: &Config) -> Result<Site, CliError> {
    match config.dialect(Side::Tenants)? {
        Dialect::Postgres => postgres(config),
        Dialect::Mysql => mysql_at(config.tenants_url()?),
        Dialect::Sqlite => sqlite(config),
    }
}

#[cfg(feature = "postgres")]
fn postgres(config: &Config) -> Result<Site, CliError> {
    let mut site = tenancy_fleet::site::PostgresSite::new(config.tenants_url()?)?;
    if let Some(owner) = config.text(Setting::OWNER)? {
        site = site.owner(&owner)?;
    }
    if let Some(template) = config.text(Setting::TEMPLATE)? {
        site = site.template(&template)?;
    }
    Ok(site.into())
}

#[cfg(feature = "postgres")]
fn postgres_at(url: SecretString) -> Result<Site, CliError> {
    Ok(tenancy_fleet::site::PostgresSite::new(url)?.into())
}

#[cfg(feature = "mysql")]
fn mysql_at(url: SecretString) -> Result<Site, CliError> {
    Ok(tenancy_fleet::site::MysqlSite::new(url)?.into())
}

#[cfg(feature = "sqlite")]
fn sqlite(config: &Config) -> Result<Site, CliError> {
    let folder = config.path_or(Setting::DIRECTORY, "tenants")?;
    Ok(tenancy_fleet::site::SqliteSite::new(folder)?.into())
}

#[cfg(not(all(feature = "mysql", feature = "postgres", feature = "sqlite")))]
const NOT_BUILT: Result<Site, CliError> =
    Err(CliError::Site(tenancy_fleet::site::SiteError::Url {
        reason: "this program was built without its database",
    }));

#[cfg(not(feature = "postgres"))]
fn postgres(_: &Config) -> Result<Site, CliError> {
    NOT_BUILT
}

#[cfg(not(feature = "postgres"))]
fn postgres_at(_: SecretString) -> Result<Site, CliError> {
    NOT_BUILT
}

#[cfg(not(feature = "mysql"))]
fn mysql_at(_: SecretString) -> Result<Site, CliError> {
    NOT_BUILT
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &Config) -> Result<Site, CliError> {
    NOT_BUILT
}
