//! The program as a whole: arguments in, exit code out.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use tenancy_fleet::migrations::MigrationSet;

use crate::arguments::{Arguments, Global};
use crate::base::Context;
use crate::command;
use crate::config::{Config, ConfigError, SECRET_KEY, Setting};
use crate::error::{CliError, Exit};
use crate::output::{Output, looks_like_a_key, note};
use crate::sets::Embedded;

/// The command, to be mounted in an application's own binary.
#[derive(Clone)]
#[must_use = "nothing is run before `.main()` or `.run(..)`"]
pub struct App {
    name: String,
    version: String,
    embedded: Embedded,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs the command `tenancy` with these arguments, the program's name first.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    App::new().run(arguments).await
}

impl App {
    /// The command as it is: `tenancy`, with all that it can do.
    pub fn new() -> Self {
        Self {
            name: "tenancy".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            embedded: Embedded::default(),
        }
    }

    /// The same under another name, in its help, completions and man pages.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The version that `--version` says.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// The base's migrations, in place of a folder: those that `sqlx::migrate!` has embedded, for
    /// example.
    pub fn migrations_base(mut self, migrations: MigrationSet) -> Self {
        self.embedded.base = Some(migrations);
        self
    }

    /// The tenants' migrations, in place of a folder.
    pub fn migrations_tenants(mut self, migrations: MigrationSet) -> Self {
        self.embedded.tenants = Some(migrations);
        self
    }

    /// Runs with the process's own arguments, in a runtime of its own.
    pub fn main(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.run(std::env::args_os())),
            Err(error) => {
                Output::new(false).error("runtime", &format!("no runtime could be made: {error}"));
                Exit::Misused.code().into()
            }
        }
    }

    /// Runs with these arguments, the program's name first, inside a runtime that is there.
    ///
    /// On Unix, `run` with a command that can be started doesn't return: this process becomes it.
    pub async fn run(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let output = Output::new(wants_json(&arguments));
        let parsed = match self.parse(arguments) {
            Ok(parsed) => parsed,
            Err(error) => return refused(output, &error),
        };
        match self.dispatch(parsed, output).await {
            Ok(exit) => exit.code().into(),
            // As if it had been ended by the closed pipe.
            Err(error) if error.is_broken_pipe() => 141.into(),
            Err(error) => {
                output.error(error.code(), &error.to_string());
                error.exit().code().into()
            }
        }
    }

    /// Clap's definition of the command.
    pub(crate) fn command(&self) -> clap::Command {
        Arguments::command()
            .name(self.name.clone())
            .bin_name(self.name.clone())
            .version(self.version.clone())
    }

    fn parse(&self, arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
        let matches = self.command().try_get_matches_from(arguments)?;
        Arguments::from_arg_matches(&matches)
    }

    async fn dispatch(self, arguments: Arguments, output: Output) -> Result<Exit, CliError> {
        let Arguments { global, command } = arguments;
        let flags = flags(&global)?;
        let config = if command.is_configured() {
            Config::load(global.config.as_deref(), flags)?
        } else {
            Config::default()
        };
        let context = Context {
            config,
            output,
            actor: global.actor,
            embedded: self.embedded.clone(),
        };
        command::run(&self, command, &context).await
    }
}

/// What the flags set.
fn flags(global: &Global) -> Result<Vec<(Setting, String)>, CliError> {
    if global.key.is_some() {
        return Err(SECRET_KEY.into());
    }
    let mut flags = Vec::new();
    for assignment in &global.set {
        if looks_like_a_key(assignment) {
            return Err(SECRET_KEY.into());
        }
        let (name, value) = assignment.split_once('=').ok_or(ConfigError::Set)?;
        let (section, key) = name.split_once('.').ok_or(ConfigError::Set)?;
        let setting = Setting::named(section, key).ok_or_else(|| ConfigError::Unknown {
            origin: "--set".to_owned(),
            name: name.to_owned(),
            hint: Setting::hint(section, Some(key)),
        })?;
        flags.push((setting, value.to_owned()));
    }
    flags.extend(global.base_url.clone().map(|url| (Setting::BASE_URL, url)));
    Ok(flags)
}

/// Whether it is said before any `--`: what stands behind it is another program's.
fn wants_json(arguments: &[OsString]) -> bool {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    own.into_iter().any(|argument| argument == "--json")
}

/// Help, a version, or wrong usage.
fn refused(output: Output, error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        if output.is_json() {
            let text = error.render().to_string();
            output.error("usage", text.trim_start_matches("error: ").trim_end());
        } else {
            note(error.render().to_string().trim_end());
        }
        Exit::Misused.code().into()
    } else {
        // Nobody reads the help.
        let _ = error.print();
        Exit::Done.code().into()
    }
}
