//! What a scope costs: see the library, or `cargo xtask bench --help`.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program, not a library

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum as _};
use serde::Serialize;
use tenancy_bench::Failed;
use tenancy_bench::adapters::Adapter;
use tenancy_bench::case::Case;
use tenancy_bench::cores::Cores;
use tenancy_bench::crowd::{self, Story, Volume};
use tenancy_bench::fleet::{self, Line, Size};
use tenancy_bench::grid::Grid;
use tenancy_bench::key::Key;
use tenancy_bench::layers::{self, Added};
use tenancy_bench::measure::Effort;
use tenancy_bench::refusals::{self, Told};
use tenancy_bench::row::Row;
use tenancy_bench::stage::{self, Stage};
use tenancy_bench::targets::targets;
use tenancy_bench::tier::{Binding, Strategy, Tier};

/// What a scope costs, on a real PostgreSQL 18 that is brought and stopped here.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Cli {
    /// Adapters to measure
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "tokio-postgres,diesel,sqlx,sea-orm"
    )]
    adapters: Vec<Adapter>,

    /// What to run: in a scope select, insert, ten (selects), range (1,000 rows),
    /// `select_in_transaction`; under load many (tenants), hostile, memory; fleet: migrating
    /// thousands of tenants, having nothing to do, and signing tenants up; layers: what the layer
    /// adds to a request of each framework; refusals: whether their times tell them apart
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = chosen,
        default_value = "select,insert,ten,range,select_in_transaction,many,hostile,memory,fleet,layers,refusals"
    )]
    cases: Vec<Chosen>,

    /// Types of tenant columns. A tenant's own schema or database has no such column, and is
    /// measured once, for a tenant whose id is a text of 16 bytes. No login is named after one of 63
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "text16,text63,uuid,bigint"
    )]
    keys: Vec<Key>,

    /// What a tenant's rows lie in: `row_level` (shared tables), schema, database
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "row_level,schema,database"
    )]
    strategies: Vec<Strategy>,

    /// What binds a connection to its tenant, where the strategy knows it: sealed (a scope on a
    /// shared login; row-level), login (the tenant's own), routed (the search path on a shared
    /// login; schemas)
    #[arg(long, value_delimiter = ',', default_value = "sealed,login,routed")]
    bindings: Vec<Binding>,

    /// Blocks of each way
    #[arg(long, default_value_t = 5)]
    rounds: u32,

    /// How long a block runs at least
    #[arg(long, default_value_t = 150)]
    block_ms: u64,

    /// What the network adds to each round trip
    #[arg(long, value_delimiter = ',', default_value = "0,1")]
    delay_ms: Vec<f64>,

    /// 1: client, server and proxy on one core, the strictest place. 2: the server on one of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    cores: u8,

    /// Writes the rows here, as an array
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Less data and shorter blocks: to see that it works
    #[arg(long)]
    quick: bool,
}

/// One of the cases of a scope, or of those under load.
#[derive(Clone, Copy, Debug)]
enum Chosen {
    Case(Case),
    Story(Story),
    Fleet,
    Layers,
    Refusals,
}

fn chosen(text: &str) -> Result<Chosen, String> {
    let story = match text {
        "many" => Story::Many,
        "hostile" => Story::Hostile,
        "memory" => Story::Memory,
        "fleet" => return Ok(Chosen::Fleet),
        "layers" => return Ok(Chosen::Layers),
        "refusals" => return Ok(Chosen::Refusals),
        _ => return Case::from_str(text, false).map(Chosen::Case),
    };
    Ok(Chosen::Story(story))
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failed> {
    let cores = Cores::pick(cli.cores)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut all = Vec::new();
        if cli.has(|chosen| matches!(chosen, Chosen::Case(_) | Chosen::Story(_))) {
            all.extend(values(&scopes(cli, cores).await?)?);
        }
        if cli.has(|chosen| matches!(chosen, Chosen::Fleet)) {
            all.extend(values(&fleets(cli, cores).await?)?);
        }
        if cli.has(|chosen| matches!(chosen, Chosen::Layers)) {
            all.extend(values(&Box::pin(layers(cli, cores)).await?)?);
        }
        if cli.has(|chosen| matches!(chosen, Chosen::Refusals)) {
            all.extend(values(&refusals(cli, cores).await?)?);
        }
        if let Some(file) = &cli.json {
            std::fs::write(file, serde_json::to_string_pretty(&all)?)?;
        }
        Ok(())
    })
}

fn values(rows: &[impl Serialize]) -> Result<Vec<serde_json::Value>, serde_json::Error> {
    rows.iter().map(serde_json::to_value).collect()
}

async fn layers(cli: &Cli, cores: Cores) -> Result<Vec<Added>, Failed> {
    cores.be_client()?;
    // Actix Web's services stay on one thread.
    let local = tokio::task::LocalSet::new();
    let tell = |added: &Added| println!("{added}");
    let measured = Box::pin(layers::measure(cli.effort(), tell));
    local.run_until(measured).await
}

async fn refusals(cli: &Cli, cores: Cores) -> Result<Vec<Told>, Failed> {
    cores.be_client()?;
    let told = refusals::measure(if cli.quick { 3_000 } else { 30_000 }).await?;
    for told in &told {
        println!("{told}");
    }
    Ok(told)
}

async fn scopes(cli: &Cli, cores: Cores) -> Result<Vec<Row>, Failed> {
    cores.be_server()?;
    let server = Stage::server().await?;
    cores.be_client()?;
    println!("PostgreSQL {}, {}", server.version(), cores);
    println!("{}", Row::head());
    let tell = |row: &Row| println!("{}", row.line());
    let mut rows = Vec::new();
    let grid = cli.grid();
    if !grid.cases.is_empty() {
        rows = grid.run(&server, &cli.tiers()?, tell).await?;
    }
    let stories = cli.stories();
    for adapter in cli.adapters.iter().filter(|_| !stories.is_empty()) {
        let told = crowd::tell(*adapter, &stories, &server, cli.volume()).await?;
        told.iter().for_each(tell);
        rows.extend(told);
    }
    println!();
    for target in targets(&rows) {
        println!("{target}");
    }
    Ok(rows)
}

async fn fleets(cli: &Cli, cores: Cores) -> Result<Vec<Line>, Failed> {
    cores.be_server()?;
    let server = fleet::server().await?;
    cores.be_client()?;
    println!(
        "PostgreSQL {} that keeps what it is told, {}",
        server.version(),
        cores
    );
    fleet::measure(&server, cli.fleet(), |line| println!("{}", line.line())).await
}

impl Cli {
    fn has(&self, case: impl Fn(&Chosen) -> bool) -> bool {
        self.cases.iter().any(case)
    }

    fn effort(&self) -> Effort {
        Effort {
            rounds: self.rounds,
            block: Duration::from_millis(if self.quick { 20 } else { self.block_ms }),
            warm_up: if self.quick { 20 } else { 200 },
        }
    }

    fn fleet(&self) -> Size {
        if self.quick {
            Size {
                schemas: 1_000,
                databases: 20,
                block: 500,
                sign_ups: 20,
                jobs: 8,
            }
        } else {
            Size {
                schemas: 10_000,
                databases: 300,
                block: 1_000,
                sign_ups: 200,
                jobs: 8,
            }
        }
    }

    fn tiers(&self) -> Result<Vec<Tier>, Failed> {
        let tiers = Tier::ALL.into_iter().filter(|tier| {
            self.strategies.contains(&tier.strategy) && self.bindings.contains(&tier.binding)
        });
        let tiers: Vec<_> = tiers.collect();
        if tiers.is_empty() {
            return Err("none of these strategies has one of these bindings".into());
        }
        Ok(tiers)
    }

    fn grid(&self) -> Grid {
        let cases = self.cases.iter().filter_map(|chosen| match chosen {
            Chosen::Case(case) => Some(*case),
            _ => None,
        });
        Grid {
            adapters: self.adapters.clone(),
            cases: cases.collect(),
            keys: self.keys.clone(),
            delays: self.delay_ms.clone(),
            size: stage::Size {
                tenants: 100,
                rows: if self.quick { 2_000 } else { 10_000 },
            },
            effort: self.effort(),
        }
    }

    fn stories(&self) -> Vec<Story> {
        let stories = self.cases.iter().filter_map(|chosen| match chosen {
            Chosen::Story(story) => Some(*story),
            _ => None,
        });
        stories.collect()
    }

    fn volume(&self) -> Volume {
        let whole = Volume {
            size: stage::Size {
                tenants: 10_000,
                rows: 100,
            },
            many: 50_000,
            memory: 1_000_000,
            hostile: Duration::from_secs(5),
            rounds: self.rounds,
        };
        let quick = Volume {
            size: stage::Size {
                tenants: 1_000,
                rows: 10,
            },
            many: 5_000,
            memory: 20_000,
            hostile: Duration::from_secs(1),
            rounds: self.rounds.min(2),
        };
        if self.quick { quick } else { whole }
    }
}
