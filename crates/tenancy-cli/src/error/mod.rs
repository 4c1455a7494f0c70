//! Why a command failed: a code for machines, a message for people, and how the program exits.

mod words;

use std::io;
use std::path::PathBuf;

use tenancy_fleet::migrations::{MigrationError, SetError};
use tenancy_fleet::provision::ProvisionError;
use tenancy_fleet::registry::RegistryError;
use tenancy_fleet::run::RunError;
use tenancy_fleet::secrets::SecretsError;
use tenancy_fleet::seeds::SeedError;
use tenancy_fleet::site::SiteError;

use crate::command::make::MakeError;
use crate::config::{ConfigError, KeyringError};

pub(crate) use words::{registry_code, registry_message};

use words::{
    base_message, core_code, migration_code, provision_code, provision_message, run_code,
    run_message, seed_code, site_code,
};

/// How the program exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All of it was done.
    Done,
    /// Some tenants failed, or the one that was named.
    SomeFailed,
    /// Wrong usage or configuration, or no base database: nothing was tried.
    Misused,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            Self::Misused => 2,
        }
    }
}

/// Why a command failed. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error("{}", registry_message(.0))]
    Registry(#[from] RegistryError),
    /// The base database can't be entered.
    #[error("{}", base_message(.0))]
    Base(RegistryError),
    #[error(transparent)]
    Core(#[from] tenancy_core::Error),
    #[error("{}", provision_message(.0))]
    Provision(#[from] ProvisionError),
    #[error(transparent)]
    Site(#[from] SiteError),
    /// A folder of migrations or seeds can't be used.
    #[error("{}: {source}", folder.display())]
    Set { folder: PathBuf, source: SetError },
    /// The base database could not be migrated.
    #[error("base: {0}")]
    Migration(#[from] MigrationError),
    /// The base database could not be seeded.
    #[error("base: {0}")]
    Seed(#[from] SeedError),
    #[error("{}", run_message(.0))]
    Run(#[from] RunError),
    #[error(transparent)]
    Make(#[from] MakeError),
    /// There is no key, and the command needs one.
    #[error(
        "there is no key: name its environment variable in `secrets.key_env`, or its file in `secrets.key_file`; `secrets generate-key` makes one"
    )]
    NoKey,
    /// An id was to be typed, and there is no terminal.
    #[error(
        "the tenant's id has to be typed once more, and there is no terminal to ask at: say it with --yes-drop ID"
    )]
    NobodyToAsk,
    /// Whatever `tenancy run` was to start could not be started.
    #[error("the command could not be started ({0}): check its name and its rights")]
    Start(io::ErrorKind),
    /// A file that was to be written could not be.
    #[error("{what} can't be written ({kind}): {instead}")]
    Write {
        what: String,
        kind: io::ErrorKind,
        instead: &'static str,
    },
    /// Standard output was closed, or is full.
    #[error("the result can't be written to standard output ({})", .0.kind())]
    Output(#[from] io::Error),
}

impl From<KeyringError> for CliError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Config(error) => error.into(),
            KeyringError::Secrets(error) => error.into(),
        }
    }
}

impl CliError {
    /// A word that stays the same.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::Secrets(_) => "secrets",
            Self::Registry(error) | Self::Base(error) => registry_code(error),
            Self::Core(error) => core_code(error),
            Self::Provision(error) => provision_code(error),
            Self::Site(error) => site_code(error),
            Self::Set { .. } => "migrations.set",
            Self::Migration(error) => migration_code(error),
            Self::Seed(error) => seed_code(error),
            Self::Run(error) => run_code(error),
            Self::Make(error) => error.code(),
            Self::NobodyToAsk => "tenant.not_confirmed",
            Self::NoKey => "secrets.no_key",
            Self::Start(_) => "run.start",
            Self::Write { .. } => "write",
            Self::Output(_) => "output",
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Registry(error) if is_about_a_tenant(error) => Exit::SomeFailed,
            Self::Run(RunError::Registry(error)) if is_about_a_tenant(error) => Exit::SomeFailed,
            Self::Migration(MigrationError::NotInSet { .. })
            | Self::Run(RunError::Place(MigrationError::NotInSet { .. }))
            | Self::Provision(
                ProvisionError::NotConfirmed
                | ProvisionError::NotPrepared
                | ProvisionError::NoTemplate,
            ) => Exit::Misused,
            Self::Provision(ProvisionError::Registry(error)) if !is_about_a_tenant(error) => {
                Exit::Misused
            }
            Self::Provision(_)
            | Self::Migration(_)
            | Self::Seed(_)
            | Self::Run(RunError::Place(_) | RunError::NoPlace)
            | Self::Core(tenancy_core::Error::Refused(_) | tenancy_core::Error::Unavailable(_)) => {
                Exit::SomeFailed
            }
            _ => Exit::Misused,
        }
    }

    /// Whether whoever read the output has gone, as `head` does.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What the registry refused for the tenant's own sake.
fn is_about_a_tenant(error: &RegistryError) -> bool {
    !matches!(
        error,
        RegistryError::Database(_)
            | RegistryError::Url { .. }
            | RegistryError::Name { .. }
            | RegistryError::BaseName
            | RegistryError::NotInstalled
            | RegistryError::Older { .. }
            | RegistryError::Newer { .. }
            | RegistryError::NoKeyring
    )
}
