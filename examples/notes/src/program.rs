//! The command line of every example.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::{Problem, Service};

/// A small notes service that keeps its tenants apart, on SQLite, without a server.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port to listen on, on 127.0.0.1; 0 is any free one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Stop when the standard input is closed: for a program that starts this one
    #[arg(long)]
    until_eof: bool,
}

/// The running example: its service, and when it has to stop.
#[derive(Debug)]
pub struct Program {
    arguments: Arguments,
    folder: TempDir,
    /// What it serves.
    pub service: Service,
}

impl Program {
    /// How long requests in flight may hold up the end.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Reads the command line, and sets the service up.
    ///
    /// # Errors
    /// [`Problem`] where a tenant can't be provisioned.
    pub async fn start() -> Result<Self, Problem> {
        let arguments = Arguments::parse();
        // Silent unless asked: RUST_LOG=debug shows scopes, refusals and their causes.
        let log = EnvFilter::builder()
            .with_default_directive(LevelFilter::OFF.into())
            .from_env_lossy();
        tracing_subscriber::fmt()
            .with_env_filter(log)
            .with_writer(std::io::stderr)
            .init();
        let folder = tempfile::tempdir().map_err(|source| Problem::Io {
            doing: "making a temporary folder",
            source,
        })?;
        let service = Service::set_up(&folder).await?;
        Ok(Self {
            arguments,
            folder,
            service,
        })
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.arguments.port).into()
    }

    /// Says where the service listens, and what to try.
    pub fn announce(address: SocketAddr) {
        let token = "Authorization: Bearer acme-demo-token";
        let ask = |options, tenant| {
            format!(
                "curl {options} -H 'Host: {tenant}.notes.localhost' -H '{token}' http://{address}/notes"
            )
        };
        Self::announce_with(address, &ask("-s", "acme"), &ask("-si", "globex"));
    }

    /// Says where the service listens, and these two commands that its own may be tried with, and
    /// another's.
    pub fn announce_with(address: SocketAddr, own: &str, another: &str) {
        let mut out = std::io::stdout().lock();
        // Who closed the other end does not want to know.
        let _ = writeln!(
            out,
            "listening on http://{address}\ntry: {own}\nand: {another}"
        );
        let _ = out.flush();
    }

    /// Waits until the program has to stop.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let until_eof = self.arguments.until_eof;
        async move {
            let end = async {
                if until_eof {
                    let mut rest = Vec::new();
                    let _ = tokio::io::stdin().read_to_end(&mut rest).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = end => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    }

    /// Closes what is open, and removes the files.
    ///
    /// # Errors
    /// [`Problem::Io`] where the files can't be removed.
    pub async fn close(self) -> Result<(), Problem> {
        self.service.close().await;
        self.folder.close().map_err(|source| Problem::Io {
            doing: "removing the temporary folder",
            source,
        })
    }
}
