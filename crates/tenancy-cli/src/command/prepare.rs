//! `tenancy prepare`: the tenants' server, once, before the first tenant.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_fleet::Fleet;

use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct Prepare {
    /// A role of PostgreSQL that keeps its way into the base database, such as the one that serves
    /// requests; may be given several times
    #[arg(long, value_name = "ROLE")]
    keep: Vec<String>,
    /// Also make the template that tenants' databases are copies of (`tenants.template`), or make it
    /// anew where migrations or seeds are others than it has; say it with each deployment
    #[arg(long)]
    template: bool,
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
    /// `made`, `renewed`, or `current` where there was nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'static str>,
}

impl Report for Prepared {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let done = if self.dry_run { "would be" } else { "is" };
        let keep = self.keep.join(", ");
        writeln!(out, "the tenants' server {done} ready")?;
        if !keep.is_empty() {
            writeln!(out, "keep their way into the base database: {keep}")?;
        }
        match self.template {
            Some("current") => writeln!(out, "the template has all migrations and seeds already")?,
            Some(word) => writeln!(out, "the template {done} {word}")?,
            None => {}
        }
        Ok(())
    }
}

impl Prepare {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut fleet = context.fleet(self.base, None).await?;
        if self.template {
            fleet = context.furnishing(fleet).await?;
        }
        if !self.dry_run {
            let keep: Vec<_> = self.keep.iter().map(String::as_str).collect();
            fleet.prepare(&keep).await?;
        }
        let template = if self.template {
            Some(template(&fleet, self.dry_run).await?)
        } else {
            None
        };
        context.output.report(&Prepared {
            keep: self.keep,
            dry_run: self.dry_run,
            template,
        })?;
        Ok(Exit::Done)
    }
}

#[cfg(feature = "postgres")]
async fn template(fleet: &Fleet, dry_run: bool) -> Result<&'static str, CliError> {
    use tenancy_fleet::provision::Template;
    let stood = if dry_run {
        fleet.template().await?
    } else {
        fleet.prepare_template().await?
    };
    Ok(match stood {
        Template::Missing => "made",
        Template::Current => "current",
        _ => "renewed",
    })
}

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_async)] // with PostgreSQL it waits
async fn template(_: &Fleet, _: bool) -> Result<&'static str, CliError> {
    Err(CliError::Site(tenancy_fleet::site::SiteError::Strategy {
        reason: "templates are PostgreSQL's, without which this program was built",
    }))
}
