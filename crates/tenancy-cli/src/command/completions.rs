//! `tenancy completions`.

use std::io::{self, Write};

use clap_complete::Shell;
use serde::Serialize;

use crate::App;
use crate::base::Context;
use crate::error::{CliError, Exit};
use crate::output::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// A text as it is.
#[derive(Serialize)]
pub(crate) struct Text {
    pub(crate) text: String,
}

impl Report for Text {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.text.as_bytes())
    }
}

impl Completions {
    pub(crate) fn run(&self, app: &App, context: &Context) -> Result<Exit, CliError> {
        let mut command = app.command();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        let text = String::from_utf8_lossy(&script).into_owned();
        context.output.report(&Text { text })?;
        Ok(Exit::Done)
    }
}
