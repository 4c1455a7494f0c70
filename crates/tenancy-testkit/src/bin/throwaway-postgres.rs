//! Holds throw-away servers for another program, for as long as its standard input is open.
//!
//! It reads one order a line, `start MAJOR`, `at URL` (a superuser's), `mariadb`, `redis` or `pgbouncer`, up
//! to an empty line; answers with one line for each server, `MAJOR VERSION started|given URL`, `mariadb
//! VERSION started|given URL` and `redis VERSION started|given URL`, and before them, if it was asked for,
//! one for the program of `PgBouncer`, `pgbouncer VERSION given|installed|unpacked PATH`; and holds the
//! servers until its input ends, which it also does when the other program dies. `cargo xtask test` is that
//! program: it stays small because the servers are here.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program, not a library

use std::error::Error;
use std::io::{self, BufRead as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tenancy_testkit::mariadb;
use tenancy_testkit::pgbouncer::{Origin, Program};
use tenancy_testkit::postgres::{Major, Server};
use tenancy_testkit::redis;
use tokio::task::JoinSet;

#[derive(Debug, Default)]
struct Orders {
    start: Vec<Major>,
    at: Vec<String>,
    pgbouncer: bool,
    mariadb: bool,
    redis: bool,
}

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let orders = Orders::read()?;
    let held = Arc::new(AtomicBool::new(false));
    let all_held = Arc::clone(&held);
    let waiting = std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        if !all_held.load(Ordering::SeqCst) {
            // Nobody wants them any more. What has been started sees our end of its pipe close, and stops.
            std::process::exit(1);
        }
    });
    if orders.pgbouncer {
        let program = Program::find()?;
        let origin = match program.origin() {
            Origin::Given => "given",
            Origin::Installed => "installed",
            Origin::Unpacked => "unpacked",
        };
        let path = program.path().display();
        println!("pgbouncer {} {origin} {path}", program.version());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    // Held to the end, as the others are.
    let mariadb = orders
        .mariadb
        .then(|| runtime.block_on(mariadb::Server::given_or_started()))
        .transpose()?;
    let redis = orders
        .redis
        .then(|| runtime.block_on(redis::Server::given_or_started()))
        .transpose()?;
    let servers = runtime.block_on(orders.bring())?;
    if let Some(server) = &mariadb {
        let origin = origin(server.is_given());
        println!(
            "mariadb {} {origin} {}",
            server.version(),
            server.admin_url()
        );
    }
    if let Some(server) = &redis {
        let origin = origin(server.is_given());
        println!("redis {} {origin} {}", server.version(), server.url());
    }
    for (server, origin, url) in &servers {
        println!("{} {} {origin} {url}", server.major(), server.version());
    }
    held.store(true, Ordering::SeqCst);
    // It has nothing to panic over.
    let _ = waiting.join();
    Ok(())
}

fn origin(is_given: bool) -> &'static str {
    if is_given { "given" } else { "started" }
}

impl Orders {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut orders = Self::default();
        for line in io::stdin().lock().lines() {
            let line = line?;
            match line.split_once(' ') {
                Some(("start", major)) => orders.start.push(major.parse()?),
                Some(("at", url)) => orders.at.push(url.to_owned()),
                _ if line == "pgbouncer" => orders.pgbouncer = true,
                _ if line == "mariadb" => orders.mariadb = true,
                _ if line == "redis" => orders.redis = true,
                _ if line.is_empty() => break,
                _ => return Err(format!("no such order: {line}").into()),
            }
        }
        Ok(orders)
    }

    /// The servers, oldest first. A major that a URL covers is not started besides.
    async fn bring(self) -> Result<Vec<(Server, &'static str, String)>, Box<dyn Error>> {
        let mut servers = Vec::new();
        for url in self.at {
            let server = Server::at(&url).await?;
            servers.push((server, "given", url));
        }
        if let Some(twice) = Major::ALL.into_iter().find(|major| {
            servers
                .iter()
                .filter(|given| given.0.major() == *major)
                .count()
                > 1
        }) {
            return Err(
                format!("two of the servers given are PostgreSQL {twice}: give one").into(),
            );
        }
        let mut starting = JoinSet::new();
        for major in self.start {
            if !servers.iter().any(|given| given.0.major() == major) {
                starting.spawn(Server::start(major));
            }
        }
        while let Some(started) = starting.join_next().await {
            let server = started??;
            let url = server.superuser_url("postgres");
            servers.push((server, "started", url));
        }
        servers.sort_by_key(|server| server.0.major());
        Ok(servers)
    }
}
