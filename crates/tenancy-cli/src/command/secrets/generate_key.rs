//! `tenancy secrets generate-key`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenancy_fleet::secrets::SealingKey;

use crate::base::Context;
use crate::error::{CliError, Exit};
use crate::output::{Report, day};

#[derive(Debug, clap::Args)]
pub(crate) struct GenerateKey {
    /// The key's name, which every value sealed with it shows; today's date, unless it is said. A
    /// key for `run` has at most 16 characters
    #[arg(long)]
    id: Option<String>,
    /// Write it into this new file, for this user alone, and show it to nobody
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

/// The one document with a secret in it: it was asked for.
#[derive(Serialize)]
struct Made<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
}

impl Report for Made<'_> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        match (self.key, self.file) {
            (Some(key), _) => writeln!(out, "{key}"),
            (None, Some(file)) => writeln!(out, "{} is in {}", self.id, file.display()),
            (None, None) => Ok(()),
        }
    }
}

impl GenerateKey {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let id = self.id.unwrap_or_else(|| day(SystemTime::now()));
        let key = SealingKey::generate(id)?;
        let text = key.to_secret_text();
        if let Some(file) = &self.file {
            write(file, text.expose_secret()).map_err(|error| CliError::Write {
                what: format!("the key's file {}", file.display()),
                kind: error.kind(),
                instead: "name a new file; a key that is there is never overwritten",
            })?;
        }
        let shown = self.file.is_none().then(|| text.expose_secret());
        context.output.report(&Made {
            id: key.id(),
            key: shown,
            file: self.file.as_deref(),
        })?;
        Ok(Exit::Done)
    }
}

/// A new file that only this user may read, from its first moment on.
fn write(path: &Path, key: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}
