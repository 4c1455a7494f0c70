//! `tenancy prepare`: the tenants' server, once, before the first tenant.

use std::io::{self, Write};

use serde::Serialize;

use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct Prepare {
    /// A role of PostgreSQL that keeps its way into the base database, such as the one that serves
    /// requests; may be given several times
    #[arg(long, value_name = "ROLE")]
    keep: Vec<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Prepared {
    keep: Vec<String>,
    dry_run: bool,
}

impl Report for Prepared {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let done = if self.dry_run { "would be" } else { "is" };
        let keep = self.keep.join(", ");
        writeln!(out, "the tenants' server {done} ready")?;
        if !keep.is_empty() {
            writeln!(out, "keep their way into the base database: {keep}")?;
        }
        Ok(())
    }
}

impl Prepare {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let fleet = context.fleet(self.base, None).await?;
        if !self.dry_run {
            let keep: Vec<_> = self.keep.iter().map(String::as_str).collect();
            fleet.prepare(&keep).await?;
        }
        context.output.report(&Prepared {
            keep: self.keep,
            dry_run: self.dry_run,
        })?;
        Ok(Exit::Done)
    }
}
