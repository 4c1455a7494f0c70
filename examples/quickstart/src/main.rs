//! The main job in one program: provision tenants, serve requests in their scopes, and watch
//! attacks fail.
//!
//! Read `service.rs` first: it is what an application writes. Then `sqlite.rs` or `postgres.rs`
//! for the queries, `stage.rs` for how it is put together, and `administrator.rs` for what
//! PostgreSQL needs once. The rest plays with it: `tour.rs`, `careless.rs`, `attacks/`.

mod administrator;
mod attacks;
mod auth;
mod careless;
mod cli;
mod client;
mod data;
mod error;
mod interrupt;
mod notes;
mod postgres;
mod serve;
mod server;
mod service;
mod show;
mod sqlite;
mod stage;
mod tour;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::administrator::Administrator;
use crate::cli::{Cli, Command};
use crate::data::Data;
use crate::error::{Error, SetupError};
use crate::interrupt::Interrupt;
use crate::notes::AppError;
use crate::postgres::PostgresNotes;
use crate::show::Show;
use crate::sqlite::SqliteNotes;
use crate::stage::Stage;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Silent unless asked: RUST_LOG=debug shows scopes, refusals and their causes.
    let log = EnvFilter::builder()
        .with_default_directive(LevelFilter::OFF.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_writer(std::io::stderr)
        .init();
    match run(&cli).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Whether everything was as promised.
async fn run(cli: &Cli) -> Result<bool, Error> {
    let data = Data::load(cli.data.as_deref())?;
    let mut show = Show::new();
    let mut interrupt = Interrupt::listen()?;
    if cli.wants_postgres() {
        on_postgres(cli, data, &mut show, &mut interrupt).await
    } else {
        on_sqlite(cli, data, &mut show, &mut interrupt).await
    }
}

async fn on_sqlite(
    cli: &Cli,
    data: Data,
    show: &mut Show,
    interrupt: &mut Interrupt,
) -> Result<bool, Error> {
    show.title("tenancy quickstart: SQLite, a database for each tenant");
    show.say(format_args!("data: {}", data.origin));
    let folder = tempfile::tempdir().map_err(|source| Error::System {
        doing: "making a temporary folder",
        source,
    })?;
    let files = folder.path().join("tenants");
    let notes = SqliteNotes::open(&files).map_err(AppError::from)?;

    let stage = Stage::open(data, notes, cli.port()).await?;
    let outcome = match cli.command {
        Some(Command::Serve { .. }) => serve::until_stopped(show, &stage, interrupt).await,
        None => {
            let tour = async {
                let (one, other) = stage.sides()?;
                tour::play(show, &stage, &one, &other).await?;
                attacks::sqlite::play(show, &files, &one, &other).await?;
                Ok(show.summary())
            };
            interrupt.or(tour).await
        }
    };
    stage.close().await;
    outcome
}

async fn on_postgres(
    cli: &Cli,
    data: Data,
    show: &mut Show,
    interrupt: &mut Interrupt,
) -> Result<bool, Error> {
    show.title("tenancy quickstart: PostgreSQL, one table for all tenants and a wall in it");
    show.say(format_args!("data: {}", data.origin));
    let url = cli.url()?;
    if url.is_none() {
        show.say("bringing a PostgreSQL 18 (fetched the first time, about 15 MB; gone at the end)");
    }
    let mut administrator = interrupt.or(Administrator::set_up(url)).await?;
    let outcome = serve_from(&mut administrator, cli, data, show, interrupt).await;
    administrator.clean_up().await;
    outcome
}

async fn serve_from(
    administrator: &mut Administrator,
    cli: &Cli,
    data: Data,
    show: &mut Show,
    interrupt: &mut Interrupt,
) -> Result<bool, Error> {
    show.say(format_args!(
        "PostgreSQL {}",
        administrator.server.version()
    ));
    let pool = administrator
        .connect_service()
        .await
        .map_err(SetupError::from)?;
    let notes = PostgresNotes::new(pool);

    let stage = Stage::open(data, notes, cli.port()).await?;
    let outcome = match cli.command {
        Some(Command::Serve { .. }) => serve::until_stopped(show, &stage, interrupt).await,
        None => {
            let tour = async {
                let (one, other) = stage.sides()?;
                tour::play(show, &stage, &one, &other).await?;
                attacks::postgres::play(show, administrator, &one, &other).await?;
                attacks::hole::play(show, administrator, &one, &other).await?;
                Ok(show.summary())
            };
            interrupt.or(tour).await
        }
    };
    stage.close().await;
    outcome
}
