//! The codes of errors, which stay the same, and their messages where a command has its own way out.

use tenancy_core::EnvelopeError;
use tenancy_fleet::export::ExportError;
use tenancy_fleet::migrations::MigrationError;
use tenancy_fleet::provision::ProvisionError;
use tenancy_fleet::registry::RegistryError;
use tenancy_fleet::run::RunError;
use tenancy_fleet::seeds::SeedError;
use tenancy_fleet::site::SiteError;

use super::CliError;

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
        RegistryError::Database(fault) if fault.is_tls() => "base.tls",
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
        other => other.to_string(),
    }
}

pub(super) fn provision_code(error: &ProvisionError) -> &'static str {
    match error {
        ProvisionError::Registry(error) => registry_code(error),
        ProvisionError::Site(error) => site_code(error),
        ProvisionError::Migration(error) => migration_code(error),
        ProvisionError::Seed(error) => seed_code(error),
        ProvisionError::Export(error) => export_code(error),
        ProvisionError::Timeout => "site.unreachable",
        ProvisionError::Busy => "tenant.busy",
        ProvisionError::NoPlace => "tenant.no_place",
        ProvisionError::Removed => "tenant.archived",
        ProvisionError::StillActive => "tenant.active",
        ProvisionError::NotReady => "tenant.not_ready",
        ProvisionError::NotConfirmed => "tenant.not_confirmed",
        ProvisionError::InUse => "tenant.in_use",
        ProvisionError::NotPrepared => "site.not_prepared",
        ProvisionError::NoTemplate => "site.no_template",
        _ => "site.step",
    }
}

fn export_code(error: &ExportError) -> &'static str {
    match error {
        ExportError::Site(error) => site_code(error),
        ExportError::Database(fault) if fault.is_lost() => "site.unreachable",
        ExportError::NotAFolder | ExportError::NotEmpty | ExportError::FolderBusy => {
            "export.folder"
        }
        ExportError::Write(_) => "export.write",
        ExportError::Busy => "tenant.busy",
        ExportError::NoExport | ExportError::Damaged { .. } => "export.damaged",
        ExportError::NothingLeft => "tenant.archived",
        _ => "export.failed",
    }
}

pub(super) fn provision_message(error: &ProvisionError) -> String {
    match error {
        ProvisionError::Registry(error) => registry_message(error),
        ProvisionError::NotPrepared => {
            "the database in which the tenants' schemas lie is open to every login of the server: run `prepare` once, with --keep for each role that must keep its way in".to_owned()
        }
        ProvisionError::NoTemplate => {
            "the template that tenants' databases are copies of is not there: run `prepare --template`, or take `tenants.template` out of the configuration".to_owned()
        }
        other => other.to_string(),
    }
}

pub(super) fn run_code(error: &RunError) -> &'static str {
    match error {
        RunError::Registry(error) => registry_code(error),
        RunError::NotInSet { .. } => "migrations.not_in_set",
        RunError::Place(error) => migration_code(error),
        RunError::NoPlace => "tenant.not_ready",
        _ => "run",
    }
}

pub(super) fn run_message(error: &RunError) -> String {
    match error {
        RunError::Registry(error) => registry_message(error),
        other => other.to_string(),
    }
}

pub(super) fn migration_code(error: &MigrationError) -> &'static str {
    match error {
        MigrationError::NotInSet { .. } => "migrations.not_in_set",
        MigrationError::Unfinished { .. } => "migrations.unfinished",
        MigrationError::NotUnfinished { .. } => "migrations.not_unfinished",
        MigrationError::Unknown { .. } | MigrationError::Edited { .. } => "migrations.drifted",
        MigrationError::Busy => "migrations.busy",
        MigrationError::Site(error) => site_code(error),
        _ => "migrations.failed",
    }
}

pub(super) fn seed_code(error: &SeedError) -> &'static str {
    match error {
        SeedError::Edited { .. } => "seeds.drifted",
        SeedError::Busy => "seeds.busy",
        SeedError::Site(error) => site_code(error),
        _ => "seeds.failed",
    }
}

pub(super) fn site_code(error: &SiteError) -> &'static str {
    match error {
        SiteError::Missing => "tenant.place_missing",
        SiteError::NotOurs => "tenant.not_ours",
        SiteError::Name { .. } => "tenant.name",
        SiteError::Strategy { .. } => "site.strategy",
        SiteError::Database(fault) if fault.is_lost() => "site.unreachable",
        SiteError::Database(fault) if fault.is_tls() => "site.tls",
        SiteError::Database(_) => "site.refused",
        _ => "site.invalid",
    }
}

/// What is said where the base database can't be entered.
pub(super) fn base_message(error: &RegistryError) -> String {
    let code = match error {
        RegistryError::Database(fault) => fault.code().unwrap_or_default(),
        _ => "",
    };
    match code {
        // PostgreSQL's, MariaDB's and SQLite's.
        "3D000" | "42000" | "14" => format!(
            "the base database is not there, or may not be entered (code {code}): add --create-base to make it"
        ),
        "28P01" | "28000" => format!(
            "the base database's server refused the login (code {code}): check the user and the password"
        ),
        _ => registry_message(error),
    }
}

pub(super) fn core_code(error: &tenancy_core::Error) -> &'static str {
    match error {
        tenancy_core::Error::Refused(_) => "tenant.not_available",
        tenancy_core::Error::Unavailable(_) => "tenant.unavailable",
        tenancy_core::Error::Envelope(EnvelopeError::KeyVariable | EnvelopeError::NoKeys) => {
            "run.no_key"
        }
        tenancy_core::Error::Envelope(_) => "run.envelope",
        tenancy_core::Error::NoReason => "run.no_reason",
        tenancy_core::Error::Store(_) => "base.refused",
        _ => "tenancy",
    }
}
