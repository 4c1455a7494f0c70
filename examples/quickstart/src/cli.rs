//! What the command line understands.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::error::Error;

/// A small notes service that keeps its tenants apart, and an attacker who tries to get across.
///
/// Without a command it provisions the tenants of a data file, starts the real HTTP server, plays
/// requests and attacks against it, and prints what happened. It exits with 0 when everything was
/// as promised, 1 when anything was not, and 2 for a wrong command line or data file.
#[derive(Debug, Parser)]
#[command(name = "quickstart", version)]
pub(crate) struct Cli {
    /// What to do instead of the tour.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Row-level on a real PostgreSQL 18, which the program brings itself, instead of SQLite
    #[arg(long, global = true)]
    pub(crate) postgres: bool,

    /// Your own PostgreSQL (a superuser's URL); it works in a database of its own, dropped at the end
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Tenants and notes to use instead of the built-in ones (see examples/quickstart/data.json)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
}

/// What there is besides the tour.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Keep the service running until Ctrl-C, and print curl lines to try
    Serve {
        /// The port to listen on, on 127.0.0.1; 0 is any free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
}

impl Cli {
    /// The server to use, if one was given.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is no URL of PostgreSQL; it holds a password, so it is not shown.
    pub(crate) fn url(&self) -> Result<Option<&str>, Error> {
        let url = self.url.as_deref();
        let known = |url: &str| url.starts_with("postgres://") || url.starts_with("postgresql://");
        match url {
            Some(url) if !known(url) => Err(Error::Usage(
                "--url wants a PostgreSQL URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            )),
            url => Ok(url),
        }
    }

    /// The port to serve on; 0 is any free one.
    pub(crate) fn port(&self) -> u16 {
        match self.command {
            Some(Command::Serve { port }) => port,
            None => 0,
        }
    }

    /// Whether PostgreSQL is asked for; giving a server asks for it too.
    pub(crate) fn wants_postgres(&self) -> bool {
        self.postgres || self.url.is_some()
    }
}
