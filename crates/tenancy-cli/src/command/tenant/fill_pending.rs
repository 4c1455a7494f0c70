//! `tenancy tenant fill-pending`: places ahead of need.

use std::io::{self, Write};

use serde::Serialize;

use crate::base::{BaseArguments, Context};
use crate::config::{ConfigError, Setting};
use crate::error::{CliError, Exit};
use crate::output::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct FillPending {
    /// How many are to wait; as in `tenants.pending`, unless it is said
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// Say how many would be made, and make none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Pending {
    ready: usize,
    made: usize,
    dry_run: bool,
}

impl Report for Pending {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { ready, made, .. } = self;
        if self.dry_run {
            writeln!(out, "{ready} places wait, {made} would be made")
        } else {
            writeln!(out, "{ready} places wait, {made} of them made now")
        }
    }
}

impl FillPending {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let count = match self.count {
            Some(count) => Some(count),
            None => context.config.number(Setting::PENDING)?,
        };
        let count = count.ok_or_else(|| ConfigError::Missing {
            name: Setting::PENDING.name(),
            what: "say how many places are to wait, there or with --count",
        })?;
        let target = usize::try_from(count).unwrap_or(usize::MAX);
        let fleet = context.fleet(self.base, None).await?;
        let pending = if self.dry_run {
            let ready = fleet.pending().await?;
            Pending {
                ready,
                made: target.saturating_sub(ready),
                dry_run: true,
            }
        } else {
            let fleet = context.furnishing(fleet).await?;
            let filled = fleet.fill_pending(target).await?;
            Pending {
                ready: filled.ready,
                made: filled.made,
                dry_run: false,
            }
        };
        context.output.report(&pending)?;
        Ok(Exit::Done)
    }
}
