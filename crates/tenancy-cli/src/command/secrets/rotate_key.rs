//! `tenancy secrets rotate-key`.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_fleet::registry::KeyRotation;

use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit, registry_code, registry_message};
use crate::output::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct RotateKey {
    /// Open what would be sealed again, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Rotated {
    key: String,
    dry_run: bool,
    resealed: Vec<String>,
    failed: Vec<Failed>,
    stopped: Option<Reason>,
}

#[derive(Serialize)]
struct Failed {
    tenant: String,
    #[serde(flatten)]
    reason: Reason,
}

#[derive(Serialize)]
struct Reason {
    code: &'static str,
    message: String,
}

impl Rotated {
    fn new(report: &KeyRotation, dry_run: bool) -> Self {
        let reason = |error| Reason {
            code: registry_code(error),
            message: registry_message(error),
        };
        let failed = report.failed.iter().map(|(tenant, error)| Failed {
            tenant: tenant.to_string(),
            reason: reason(error),
        });
        Self {
            key: report.key.clone(),
            dry_run,
            resealed: report.resealed.iter().map(ToString::to_string).collect(),
            failed: failed.collect(),
            stopped: report.stopped.as_ref().map(reason),
        }
    }
}

impl Report for Rotated {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let done = if self.dry_run {
            "would be sealed"
        } else {
            "sealed"
        };
        for tenant in &self.resealed {
            writeln!(out, "{tenant}: {done}")?;
        }
        for Failed { tenant, reason } in &self.failed {
            writeln!(out, "{tenant}: failed: {}", reason.message)?;
        }
        let (count, failed) = (self.resealed.len(), self.failed.len());
        writeln!(out, "{count} {done} with {}, {failed} failed", self.key)?;
        if let Some(reason) = &self.stopped {
            writeln!(out, "stopped, the rest was not tried: {}", reason.message)?;
        }
        if failed > 0 || self.stopped.is_some() {
            writeln!(out, "keep the former keys, and run this again")?;
        }
        Ok(())
    }
}

impl RotateKey {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let actor = context.actor()?;
        let registry = context.keyed_registry(self.base).await?;
        let report = if self.dry_run {
            registry.plan_key_rotation().await?
        } else {
            registry.rotate_key(&actor).await?
        };
        context
            .output
            .report(&Rotated::new(&report, self.dry_run))?;
        Ok(if report.is_whole() {
            Exit::Done
        } else {
            Exit::SomeFailed
        })
    }
}
