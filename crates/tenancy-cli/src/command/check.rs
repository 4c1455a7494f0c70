//! `tenancy check`: everything that can be known before a command needs it.

mod tenants;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use tenancy_core::{EnvelopeError, EnvelopeKeys};
use tenancy_fleet::registry::{List, Registry};

use crate::base::Context;
use crate::config::{NAME, Setting, Side, holds_password};
use crate::error::{CliError, Exit};
use crate::output::{Report, redact};

#[derive(Debug, clap::Args)]
pub(crate) struct Check {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    state: State,
    message: String,
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    checks: Vec<Line>,
}

impl Report for Checked {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for Line {
            name,
            state,
            message,
        } in &self.checks
        {
            let (word, color) = match state {
                State::Ok => ("ok  ", AnsiColor::Green),
                State::Warn => ("warn", AnsiColor::Yellow),
                State::Fail => ("fail", AnsiColor::Red),
            };
            let style = Style::new().fg_color(Some(color.into()));
            writeln!(out, "{style}{word}{style:#}  {name}: {message}")?;
        }
        Ok(())
    }
}

/// The lines so far.
#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn add(&mut self, name: &'static str, state: State, message: impl Into<String>) {
        self.0.push(Line {
            name,
            state,
            message: redact(&message.into()),
        });
    }

    /// The value, or a line that says why there is none.
    fn tried<T>(
        &mut self,
        name: &'static str,
        result: Result<T, impl Into<CliError>>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let error: CliError = error.into();
                self.add(name, State::Fail, error.to_string());
                None
            }
        }
    }
}

impl Check {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut lines = Lines::default();
        configuration(context, &mut lines);
        folders(context, &mut lines).await;
        tenants::strategy(context, &mut lines);
        let (reached, registry) = base(context, &mut lines).await;
        tenants::site(context, reached, registry.as_ref(), &mut lines).await;
        keys(context, registry.as_ref(), &mut lines).await;
        run_key(context, &mut lines);
        let ok = lines.0.iter().all(|line| line.state != State::Fail);
        context.output.report(&Checked {
            ok,
            checks: lines.0,
        })?;
        Ok(if ok { Exit::Done } else { Exit::Misused })
    }
}

fn configuration(context: &Context, lines: &mut Lines) {
    let config = &context.config;
    let read = config.path().map_or_else(
        || format!("there is no {NAME} from here upward; flags and the environment count"),
        |path| path.display().to_string(),
    );
    lines.add("configuration", State::Ok, read);
    for setting in Setting::ALL {
        // Numbers and times are read where they are used; here it counts that they are there.
        lines.tried("setting", config.text(*setting));
    }
    for setting in [Setting::PENDING, Setting::JOBS] {
        lines.tried("setting", config.number(setting));
    }
    for setting in [
        Setting::LOCK_TIMEOUT,
        Setting::STATEMENT_TIMEOUT,
        Setting::RUN_EXPIRES,
    ] {
        lines.tried("setting", config.duration(setting));
    }
    for setting in [Setting::BASE_URL, Setting::TENANTS_URL] {
        let written = config.written(setting).unwrap_or_default();
        if !written.contains("${") && holds_password(written) {
            let message = format!(
                "a password stands in {NAME}, in `{}`: write ${{NAME}} there, and set that variable",
                setting.name()
            );
            lines.add("configuration", State::Warn, message);
        }
    }
}

async fn folders(context: &Context, lines: &mut Lines) {
    let embedded = &context.embedded;
    for (side, setting, embedded) in [
        (Side::Base, Setting::BASE_MIGRATIONS, &embedded.base),
        (
            Side::Tenants,
            Setting::TENANTS_MIGRATIONS,
            &embedded.tenants,
        ),
    ] {
        let Ok(folder) = context.migrations_folder(side) else {
            continue;
        };
        if embedded.is_none() && !folder.is_dir() {
            let message = format!(
                "`{}`: there is no folder {}; `make migration` makes it",
                setting.name(),
                folder.display()
            );
            lines.add("migrations", State::Warn, message);
        } else if let Some(set) = lines.tried("migrations", context.migrations(side).await) {
            let (count, latest) = (set.versions().len(), set.latest());
            let message = format!("`{}`: {count}, up to {latest}", setting.name());
            lines.add("migrations", State::Ok, message);
        }
    }
}

/// Whether it can be reached, and the registry.
async fn base(context: &Context, lines: &mut Lines) -> (bool, Option<Registry>) {
    let Some(builder) = lines.tried("base database", context.builder()) else {
        return (false, None);
    };
    let reached = builder.reach().await.map_err(CliError::Base);
    if lines.tried("base database", reached).is_none() {
        return (false, None);
    }
    lines.add("base database", State::Ok, "it can be reached");
    let registry = lines.tried("registry", builder.connect().await);
    if registry.is_some() {
        let message = format!("version {}", Registry::VERSION);
        lines.add("registry", State::Ok, message);
    }
    (true, registry)
}

async fn keys(context: &Context, registry: Option<&Registry>, lines: &mut Lines) {
    let Some(keyring) = lines.tried("keys", context.config.keyring()) else {
        return;
    };
    let Some(keyring) = keyring else {
        let message = format!("{}; tenants without a login need none", CliError::NoKey);
        lines.add("keys", State::Warn, message);
        return;
    };
    let message = format!("`{}` seals", keyring.current());
    lines.add("keys", State::Ok, message);
    let Some(registry) = registry else {
        return;
    };
    let list = List::default().sealed_with_other_than(keyring.current());
    match registry.list(&list.limit(1)).await {
        Ok(page) if page.is_empty() => {}
        Ok(_) => lines.add(
            "keys",
            State::Warn,
            "credentials are sealed with another key than the current one: run `secrets rotate-key`, and keep the other until then",
        ),
        Err(error) => {
            lines.tried::<()>("keys", Err(error));
        }
    }
}

/// The key of `run`, which few need.
fn run_key(context: &Context, lines: &mut Lines) {
    let Some(variable) = lines.tried("run", context.config.text(Setting::RUN_KEY_ENV)) else {
        return;
    };
    let variable = variable.as_deref().unwrap_or(EnvelopeKeys::VARIABLE);
    match EnvelopeKeys::from_env(variable) {
        Ok(_) => lines.add("run", State::Ok, format!("{variable} signs scopes")),
        Err(EnvelopeError::KeyVariable) => lines.add(
            "run",
            State::Warn,
            format!("{variable} is not set, so `run` can hand over no scope"),
        ),
        Err(error) => {
            lines.tried::<()>("run", Err(tenancy_core::Error::from(error)));
        }
    }
}
