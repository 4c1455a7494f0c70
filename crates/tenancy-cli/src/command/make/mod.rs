//! `tenancy make migration` and `make seed`.

mod files;
mod name;
mod sql;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use crate::base::Context;
use crate::config::Side;
use crate::error::{CliError, Exit};
use crate::output::Report;

use name::{Intent, Name};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Make {
    /// A migration and the way back, inferred from its name: `create_notes`, `create_notes_table`,
    /// `add_title_and_body_to_notes`, `remove_title_from_notes`; any other name makes an empty one
    Migration(New),
    /// A seed, empty
    Seed(New),
}

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// What it does, in a-z, 0-9 and _
    name: Name,
    /// Whose it is
    #[arg(
        long = "for",
        value_enum,
        default_value = "tenants",
        value_name = "SIDE"
    )]
    side: Side,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    #[error(
        "a name has 1 to 150 characters of a-z, 0-9 and _, and starts with a letter: write it so, as in create_notes"
    )]
    Name,
    #[error(
        "`{0}` is longer than the 63 bytes that every database keeps of a name: choose a shorter one"
    )]
    TooLong(String),
    #[error("nothing can be written in {} ({kind}): see to the folder", folder.display())]
    Folder {
        folder: PathBuf,
        kind: io::ErrorKind,
    },
}

impl MakeError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Name | Self::TooLong(_) => "make.name",
            Self::Folder { .. } => "make.folder",
        }
    }
}

#[derive(Serialize)]
struct Made {
    files: Vec<PathBuf>,
    /// Whether there is more than a frame in it.
    inferred: bool,
}

impl Report for Made {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for file in &self.files {
            writeln!(out, "{}", file.display())?;
        }
        Ok(())
    }
}

impl Make {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let config = &context.config;
        let made = match self {
            Self::Migration(new) => {
                let folder = context.migrations_folder(new.side)?;
                let intent = Intent::of(&new.name)?;
                let (up, down) = match &intent {
                    Intent::Unknown => (sql::empty("up"), sql::empty("down")),
                    known => sql::both(known, config.dialect(new.side)?),
                };
                Made {
                    files: files::write(
                        &folder,
                        &new.name,
                        SystemTime::now(),
                        &[(".up.sql", &up), (".down.sql", &down)],
                    )?,
                    inferred: intent != Intent::Unknown,
                }
            }
            Self::Seed(new) => {
                let folder = context.seeds_folder(new.side)?;
                let seed = sql::seed();
                Made {
                    files: files::write(&folder, &new.name, SystemTime::now(), &[(".sql", &seed)])?,
                    inferred: false,
                }
            }
        };
        context.output.report(&made)?;
        Ok(Exit::Done)
    }
}
