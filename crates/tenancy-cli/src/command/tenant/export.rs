//! `tenancy tenant export`: everything in one tenant's place, in a new folder.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use tenancy_core::TenantId;
use tenancy_fleet::export::Exported;

use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::{Report, plain};

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The tenant, which may go on being served
    id: TenantId,
    /// A folder that is not there yet, or empty: it is for this user alone
    path: PathBuf,
    #[command(flatten)]
    base: BaseArguments,
}

/// An export as it is shown.
#[derive(Serialize)]
pub(super) struct View {
    folder: String,
    tables: usize,
    rows: u64,
    bytes: u64,
    applied_version: Option<i64>,
}

#[derive(Serialize)]
struct Shown {
    tenant: String,
    export: View,
}

impl View {
    pub(super) fn of(export: &Exported) -> Self {
        Self {
            folder: export.folder.display().to_string(),
            tables: export.manifest.tables.len(),
            rows: export.rows(),
            bytes: export.bytes(),
            applied_version: export.manifest.applied_version,
        }
    }

    pub(super) fn line(&self) -> String {
        let folder = plain(&self.folder);
        if self.tables == 0 {
            return format!("{} bytes in {folder}", self.bytes);
        }
        format!(
            "{} tables, {} rows, {} bytes in {folder}",
            self.tables, self.rows, self.bytes
        )
    }
}

impl Report for Shown {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.tenant, self.export.line())
    }
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let fleet = context.fleet(self.base, None).await?;
        let export = fleet.export(&self.id, &self.path).await?;
        context.output.report(&Shown {
            tenant: self.id.to_string(),
            export: View::of(&export),
        })?;
        Ok(Exit::Done)
    }
}
