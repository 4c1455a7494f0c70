//! `tenancy run`: a command with a scope in its environment.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use tenancy_core::{
    CentralScope, EnvelopeKeys, Error, ScopeEnvelope, Tenancy, TenantId, TenantScope,
};

use crate::base::{BaseArguments, Context};
use crate::config::Setting;
use crate::error::{CliError, Exit};

/// How long the scope can be opened, unless it is said.
const EXPIRES: Duration = Duration::from_mins(5);

/// The command finds a signed scope in `TENANCY_SCOPE`, and opens it with `Tenancy::run_from_env`, or
/// `run_central_from_env`. The key that signs it is read from `TENANCY_ENVELOPE_KEY`, here and there.
/// What the command starts inherits the scope until it expires.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// In the scope of this tenant
    #[arg(long, value_name = "ID", conflicts_with_all = ["central", "reason"], required_unless_present = "central")]
    tenant: Option<TenantId>,
    /// Across tenants
    #[arg(long, requires = "reason")]
    central: bool,
    /// Why across tenants, for the log
    #[arg(long, requires = "central")]
    reason: Option<String>,
    /// How long the scope can be opened, as in 30s or 5m, at most 7 days; work that has begun goes on
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
    #[command(flatten)]
    base: BaseArguments,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Run {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let config = &context.config;
        let expires = match self.expires {
            Some(expires) => expires,
            None => config.duration(Setting::RUN_EXPIRES)?.unwrap_or(EXPIRES),
        };
        let variable = config.text(Setting::RUN_KEY_ENV)?;
        let variable = variable.as_deref().unwrap_or(EnvelopeKeys::VARIABLE);
        let keys = EnvelopeKeys::from_env(variable).map_err(Error::from)?;
        let registry = context.registry(self.base).await?;
        let tenancy = Tenancy::builder(registry.clone())
            .without_requests()
            .envelope_keys(keys)
            .build();
        let envelope = match self.tenant {
            Some(tenant) => {
                tenancy
                    .run(tenant, async |scope: &TenantScope| {
                        tenancy.child_process().envelope(scope, expires)
                    })
                    .await
            }
            None => {
                tenancy
                    .central(
                        self.reason.unwrap_or_default(),
                        async |scope: &CentralScope| {
                            tenancy.child_process().central_envelope(scope, expires)
                        },
                    )
                    .await
            }
        }?;
        registry.close().await;
        start(self.command, &envelope)
    }
}

fn start(words: Vec<OsString>, envelope: &ScopeEnvelope) -> Result<Exit, CliError> {
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(program);
    command
        .args(words)
        .env(ScopeEnvelope::VARIABLE, envelope.as_str());
    become_it(command)
}

/// This process becomes the command: its exit code, the signals that it is sent and what a terminal
/// does with it are its own, and nothing stands between.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<Exit, CliError> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(CliError::Start(error.kind()))
}

/// Waits for the command, and exits as it does.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<Exit, CliError> {
    let status = command
        .status()
        .map_err(|error| CliError::Start(error.kind()))?;
    std::process::exit(status.code().unwrap_or(1))
}
