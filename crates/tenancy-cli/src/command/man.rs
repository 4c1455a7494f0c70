//! `tenancy man`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap_mangen::Man as Page;
use serde::Serialize;

use super::completions::Text;
use crate::App;
use crate::base::Context;
use crate::error::{CliError, Exit};
use crate::output::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Pages {
    files: Vec<PathBuf>,
}

impl Report for Pages {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for file in &self.files {
            writeln!(out, "{}", file.display())?;
        }
        Ok(())
    }
}

impl Man {
    pub(crate) fn run(&self, app: &App, context: &Context) -> Result<Exit, CliError> {
        let mut command = app.command();
        command.build();
        let Some(folder) = &self.dir else {
            let mut page = Vec::new();
            Page::new(command).render(&mut page)?;
            let text = String::from_utf8_lossy(&page).into_owned();
            context.output.report(&Text { text })?;
            return Ok(Exit::Done);
        };
        let mut files = Vec::new();
        let written = fs::create_dir_all(folder)
            .and_then(|()| write(&command, command.get_name(), folder, &mut files));
        written.map_err(|error| CliError::Write {
            what: format!("a man page in {}", folder.display()),
            kind: error.kind(),
            instead: "name a folder that can be",
        })?;
        context.output.report(&Pages { files })?;
        Ok(Exit::Done)
    }
}

/// The page of this command, and of all below it.
fn write(
    command: &clap::Command,
    name: &str,
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let file = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    let titled = command.clone().name(name.to_owned());
    Page::new(titled).render(&mut page)?;
    fs::write(&file, page)?;
    files.push(file);
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        write(
            below,
            &format!("{name}-{}", below.get_name()),
            folder,
            files,
        )?;
    }
    Ok(())
}
