//! What every run over tenants has in common.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_core::TenantId;
use tenancy_fleet::run::{Report, Run, RunError, Stop};

use crate::base::Context;
use crate::config::Setting;
use crate::error::{CliError, Exit};
use crate::interruptions::Interruptions;
use crate::output::{self, note, plain};
use crate::progress::{Ended, Progress};

/// Which tenants, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Over {
    /// These tenants
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    ids: Vec<TenantId>,
    /// All tenants that have a place
    #[arg(long)]
    all: bool,
    /// How many tenants are worked on at once; as in `migrate.jobs`, unless it is said, or 4
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,
    /// The first so many tenants come one after the other, and all must go well before the rest
    #[arg(long, value_name = "N", default_value_t = 0)]
    canary: usize,
    /// After so many failures no other tenant is begun
    #[arg(long, value_name = "N")]
    stop_after: Option<u64>,
}

impl Over {
    /// The run, as these flags and the configuration have it.
    pub(crate) fn run(self, context: &Context) -> Result<Run, CliError> {
        let mut run = Run::by(context.actor()?)
            .limits(context.limits()?)
            .canary(self.canary);
        let jobs = match self.jobs {
            Some(jobs) => Some(jobs),
            None => context.config.number(Setting::JOBS)?,
        };
        if let Some(jobs) = jobs {
            run = run.jobs(usize::try_from(jobs).unwrap_or(usize::MAX));
        }
        if let Some(failures) = self.stop_after {
            run = run.stop_after(failures);
        }
        if !self.all {
            run = run.only(self.ids);
        }
        Ok(run)
    }
}

/// What has become of all of them.
#[derive(Serialize)]
struct Ran {
    dry_run: bool,
    tenants: Vec<Ended>,
    #[serde(flatten)]
    report: Report,
}

impl output::Report for Ran {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let report = &self.report;
        // Once more at the end, where they are found.
        for failure in &report.failed {
            writeln!(
                out,
                "failed: {}: {}",
                failure.tenant,
                plain(&failure.reason)
            )?;
        }
        if let Some(halt) = &report.halted {
            writeln!(out, "ended before its end: {}", plain(&halt.to_string()))?;
        }
        if report.unrecorded > 0 {
            writeln!(
                out,
                "{} outcomes could not be recorded: the next run looks at those tenants again",
                report.unrecorded
            )?;
        }
        let done = if self.dry_run { "to do" } else { "done" };
        writeln!(
            out,
            "{} {done}, {} with nothing to do, {} failed, {} not tried, in {:.1} s",
            report.done,
            report.current,
            report.failed.len(),
            report.not_tried,
            report.took.as_secs_f64()
        )
    }
}

/// Does `work` with that run, shows how it goes, and says what has become of all.
pub(crate) async fn drive(
    context: &Context,
    run: Run,
    dry_run: bool,
    work: impl AsyncFnOnce(Run) -> Result<Report, RunError>,
) -> Result<Exit, CliError> {
    let (progress, stop) = (Progress::start(context.output), Stop::new());
    let run = run.observe(progress.observer()).stop(&stop);
    let interrupted = tokio::spawn(interrupted(Interruptions::listen(), stop));
    let report = work(run).await;
    interrupted.abort();
    let tenants = progress.finish();
    let report = report?;
    let whole = report.is_whole();
    context.output.report(&Ran {
        dry_run,
        tenants,
        report,
    })?;
    Ok(if whole { Exit::Done } else { Exit::SomeFailed })
}

/// The first interruption ends the run at the next tenant, the second one at once.
async fn interrupted(mut interruptions: Interruptions, stop: Stop) {
    interruptions.next().await;
    note("ends with the tenants that are at work; once more ends at once");
    stop.stop();
    interruptions.next().await;
    std::process::exit(Interruptions::EXIT);
}
