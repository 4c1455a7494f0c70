//! Why a command failed: a code for machines, a message for people, and how the program exits.

use std::io;

use tenancy_core::EnvelopeError;
use tenancy_fleet::provision::ProvisionError;
use tenancy_fleet::registry::RegistryError;
use tenancy_fleet::secrets::SecretsError;
use tenancy_fleet::site::SiteError;

use crate::command::make::MakeError;
use crate::config::{ConfigError, KeyringError};

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
    #[error(transparent)]
    Core(#[from] tenancy_core::Error),
    #[error("{}", provision_message(.0))]
    Provision(#[from] ProvisionError),
    #[error(transparent)]
    Site(#[from] SiteError),
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
            Self::Registry(error) => registry_code(error),
            Self::Core(error) => core_code(error),
            Self::Provision(error) => provision_code(error),
            Self::Site(error) => site_code(error),
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
            Self::Provision(ProvisionError::Registry(error)) if !is_about_a_tenant(error) => {
                Exit::Misused
            }
            Self::Provision(ProvisionError::NotConfirmed | ProvisionError::NotPrepared) => {
                Exit::Misused
            }
            Self::Provision(_) | Self::Core(tenancy_core::Error::Refused(_)) => Exit::SomeFailed,
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

pub(crate) fn registry_code(error: &RegistryError) -> &'static str {
    match error {
        RegistryError::Conflict { .. } => "tenant.conflict",
        RegistryError::NoSuchTenant => "tenant.unknown",
        RegistryError::IdTaken => "tenant.id_taken",
        RegistryError::DomainTaken => "tenant.domain_taken",
        RegistryError::PlaceTaken => "tenant.place_taken",
        RegistryError::PlacedElsewhere => "tenant.placed_elsewhere",
        RegistryError::NotReady => "tenant.not_ready",
        RegistryError::Archived => "tenant.archived",
        RegistryError::Malformed { .. } => "tenant.malformed",
        RegistryError::Secrets(_) => "secrets",
        RegistryError::NoKeyring => "secrets.no_key",
        RegistryError::NoCredential => "tenant.no_credential",
        RegistryError::NotInstalled => "registry.not_installed",
        RegistryError::Older { .. } => "registry.older",
        RegistryError::Newer { .. } => "registry.newer",
        RegistryError::Database(fault) if fault.is_lost() => "base.unreachable",
        RegistryError::Database(_) => "base.refused",
        RegistryError::BaseName | RegistryError::Url { .. } => "base.url",
        RegistryError::Unknown => "base.unknown",
        _ => "registry.invalid",
    }
}

/// The registry's own words, but where a command has its own way out.
pub(crate) fn registry_message(error: &RegistryError) -> String {
    match error {
        RegistryError::NotInstalled => {
            "there is no registry in the base database: add --create-base to make it".to_owned()
        }
        RegistryError::Older { found, ours } => format!(
            "the registry is of version {found}, and this program needs {ours}: add --create-base to migrate it"
        ),
        RegistryError::NoKeyring => CliError::NoKey.to_string(),
        RegistryError::Database(fault) if is_missing(fault.code()) => format!(
            "the base database is not there, or may not be entered ({}): add --create-base to make it",
            fault.code().unwrap_or_default()
        ),
        other => other.to_string(),
    }
}

fn provision_code(error: &ProvisionError) -> &'static str {
    match error {
        ProvisionError::Registry(error) => registry_code(error),
        ProvisionError::Site(error) => site_code(error),
        ProvisionError::Busy => "tenant.busy",
        ProvisionError::NoPlace => "tenant.no_place",
        ProvisionError::Removed => "tenant.archived",
        ProvisionError::StillActive => "tenant.active",
        ProvisionError::NotReady => "tenant.not_ready",
        ProvisionError::NotConfirmed => "tenant.not_confirmed",
        ProvisionError::InUse => "tenant.in_use",
        ProvisionError::NotPrepared => "site.not_prepared",
        _ => "site.step",
    }
}

fn provision_message(error: &ProvisionError) -> String {
    match error {
        ProvisionError::Registry(error) => registry_message(error),
        ProvisionError::NotPrepared => {
            "the database in which the tenants' schemas lie is open to every login of the server: run `prepare` once, with --keep for each role that must keep its way in".to_owned()
        }
        other => other.to_string(),
    }
}

fn site_code(error: &SiteError) -> &'static str {
    match error {
        SiteError::Missing => "tenant.place_missing",
        SiteError::NotOurs => "tenant.not_ours",
        SiteError::Name { .. } => "tenant.name",
        SiteError::Strategy { .. } => "site.strategy",
        SiteError::Database(fault) if fault.is_lost() => "site.unreachable",
        SiteError::Database(_) => "site.refused",
        _ => "site.invalid",
    }
}

/// The codes for a database that is not there: PostgreSQL's, MariaDB's and `SQLite`'s.
fn is_missing(code: Option<&str>) -> bool {
    matches!(code, Some("3D000" | "42000" | "14"))
}

fn core_code(error: &tenancy_core::Error) -> &'static str {
    match error {
        tenancy_core::Error::Refused(_) => "tenant.not_available",
        tenancy_core::Error::Envelope(EnvelopeError::KeyVariable | EnvelopeError::NoKeys) => {
            "run.no_key"
        }
        tenancy_core::Error::Envelope(_) => "run.envelope",
        tenancy_core::Error::NoReason => "run.no_reason",
        tenancy_core::Error::Store(_) => "base.refused",
        _ => "tenancy",
    }
}
