//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::{
    check, completions, make, man, migrate, prepare, resolve, rollback, run, secrets, seed, status,
    tenant,
};

/// Tenants, their registry and their keys
#[derive(Debug, Parser)]
#[command(
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exits with 0 when all was done, 1 when some tenants failed, 2 for wrong usage or configuration."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The configuration, in place of the next tenancy.toml from here upward
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The base database, without a password: that one comes from the environment
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// A setting of tenancy.toml, as in tenants.pending=3
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// One JSON document on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Who makes the change, for the audit; `TENANCY_ACTOR` or this user, unless it is said
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// There to be refused: a key on a command line is known to every user of the machine
    #[arg(long, global = true, hide = true, alias = "keys")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at the configuration, the base database, the registry and the keys
    Check(check::Check),
    /// Ready the tenants' server, once, before the first tenant: on PostgreSQL the owner of tenants'
    /// tables, and a base database that lets nobody in by default
    Prepare(prepare::Prepare),
    /// The tenants in the registry
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// The keys that seal tenants' credentials
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Apply migrations
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    /// Undo migrations
    #[command(subcommand)]
    Rollback(rollback::Rollback),
    /// Which versions tenants are at: who is behind, failed, drifted
    Status(status::Status),
    /// Say of a migration that was begun and not finished whether it counts as applied
    Resolve(resolve::Resolve),
    /// Run seeds
    #[command(subcommand)]
    Seed(seed::Seed),
    /// Make a migration or a seed
    #[command(subcommand)]
    Make(make::Make),
    /// Run a command in a tenant's scope, or across tenants
    Run(run::Run),
    /// A shell's completions, on standard output
    Completions(completions::Completions),
    /// The man page, on standard output
    Man(man::Man),
}

impl Command {
    /// Whether it reads the configuration at all: a shell that loads its completions does so
    /// whatever lies in the folder that it starts in.
    pub(crate) fn is_configured(&self) -> bool {
        !matches!(self, Self::Completions(_) | Self::Man(_))
    }
}
