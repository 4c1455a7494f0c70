//! `cargo xtask test`.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cargo;
use crate::matrix;
use crate::servers::{MAJORS, MARIADB, PGBOUNCER, REDIS, Server, Servers, Wanted, variable};
use crate::summary::Summary;

pub(crate) const AFTER_HELP: &str = "\
Without options the oldest and the newest PostgreSQL run everything, and the two between the
conformance suite. The servers are downloaded once, need no installation and no root, listen on
127.0.0.1 only, and are stopped at the end, also when the run is interrupted. PgBouncer, MariaDB and
Redis are the system's, or its packages (Debian's), unpacked and not installed.

Without network, give a server: --postgres-url, or TENANCY_TEST_POSTGRES_15 .. _18, and
TENANCY_TEST_MARIADB and TENANCY_TEST_REDIS; and a program: TENANCY_TEST_PGBOUNCER.";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run everything on this major, and on no other [15, 16, 17, 18; may be repeated]
    #[arg(long, value_name = "MAJOR", value_parser = major)]
    postgres: Vec<u16>,

    /// Use the server that is already at this superuser's URL [may be repeated]
    #[arg(long, value_name = "URL")]
    postgres_url: Vec<String>,

    /// Leave this out, on purpose; the summary says so [may be repeated]
    #[arg(long, value_name = "SERVER")]
    without: Vec<Without>,

    /// Write the README's table of what works from what passed
    #[arg(long, conflicts_with_all = ["postgres", "postgres_url", "without"])]
    write_matrix: bool,
}

/// What a run may be told to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Without {
    /// No test runs on PostgreSQL, and one that must have it fails
    Postgres,
    /// No test runs behind PgBouncer
    Pgbouncer,
    /// No test runs on MariaDB
    Mysql,
    /// No test runs on Redis
    Redis,
}

impl Without {
    /// What the tests are told.
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Pgbouncer => "pgbouncer",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
        }
    }
}

fn major(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|major| MAJORS.contains(major))
        .ok_or_else(|| "15, 16, 17 and 18 are supported".to_owned())
}

/// Which servers a run has, and which of them run every test.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    urls: Vec<String>,
    start: Vec<u16>,
    /// Nothing was picked: only the oldest and the newest run every test.
    usual: bool,
}

impl Plan {
    /// `environment` answers with the URL that a variable holds.
    fn new(
        options: &Options,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let picked = !options.postgres.is_empty() || !options.postgres_url.is_empty();
        if options.without.contains(&Without::Postgres) {
            return if picked {
                Err(
                    "--without postgres leaves out what --postgres and --postgres-url ask for"
                        .to_owned(),
                )
            } else {
                Ok(Self {
                    urls: Vec::new(),
                    start: Vec::new(),
                    usual: true,
                })
            };
        }
        let mut plan = Self {
            urls: options.postgres_url.clone(),
            start: if picked {
                options.postgres.clone()
            } else {
                MAJORS.to_vec()
            },
            usual: !picked,
        };
        plan.urls.extend(
            plan.start
                .iter()
                .filter_map(|major| environment(&variable(*major))),
        );
        Ok(plan)
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let plan = Plan::new(options, |name| std::env::var(name).ok())?;
    let everything = ["test", "--workspace", "--all-features", "--no-fail-fast"];

    let build = [&everything[..], &["--no-run"]].concat();
    if !cargo::run(&build, &[])?.0.success() {
        return Err("the workspace does not build, and no test was run".into());
    }

    let used = std::env::current_exe()?.with_file_name("servers-used.txt");
    let evidence = used.with_file_name("conformance-evidence.txt");
    std::fs::write(&used, "")?;
    std::fs::write(&evidence, "")?;
    let has = |server| !options.without.contains(&server);
    let wanted = Wanted {
        urls: &plan.urls,
        majors: &plan.start,
        pgbouncer: has(Without::Postgres) && has(Without::Pgbouncer),
        mariadb: has(Without::Mysql),
        redis: has(Without::Redis),
    };
    let servers = if has(Without::Postgres) || wanted.mariadb || wanted.redis {
        Some(Servers::bring(wanted)?)
    } else {
        None
    };
    let all = servers.as_ref().map_or(&[][..], |servers| &servers.all);
    let full = |server: &Server| !plan.usual || [MAJORS[0], MAJORS[3]].contains(&server.major);

    let mut variables = variables(all, full, &used, &options.without);
    let pgbouncer = servers
        .as_ref()
        .and_then(|servers| servers.pgbouncer.clone());
    if let Some(program) = &pgbouncer {
        variables.push((PGBOUNCER.to_owned(), program.path.clone()));
    }
    let mariadb = servers.as_ref().and_then(|servers| servers.mariadb.clone());
    if let Some(server) = &mariadb {
        variables.push((MARIADB.to_owned(), server.url.clone()));
    }
    let redis = servers.as_ref().and_then(|servers| servers.redis.clone());
    if let Some(server) = &redis {
        variables.push((REDIS.to_owned(), server.url.clone()));
    }
    variables.push((
        "TENANCY_TEST_EVIDENCE".to_owned(),
        evidence.display().to_string(),
    ));
    let (status, tally) = cargo::run(&everything, &variables)?;
    let matrix = matrix::table(&std::fs::read_to_string(&evidence)?);
    if options.write_matrix {
        matrix::write(&matrix)?;
    }
    let summary = Summary {
        servers: all
            .iter()
            .map(|server| (server.clone(), full(server)))
            .collect(),
        pgbouncer,
        mariadb,
        redis,
        used: std::fs::read_to_string(&used)?,
        without: options.without.clone(),
        // A run with fewer servers than usual shows less than the README says.
        stale_matrix: plan.usual && options.without.is_empty() && !matrix::is_current(&matrix)?,
        matrix,
        tally,
        status,
    };
    // Stopped before the last word, which is the result.
    drop(servers);
    print!("{summary}");
    Ok(if summary.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What tells the tests which servers there are.
fn variables(
    servers: &[Server],
    full: impl Fn(&Server) -> bool,
    used: &Path,
    without: &[Without],
) -> Vec<(String, String)> {
    let list = |chosen: &dyn Fn(&Server) -> bool| {
        let majors: Vec<String> = servers
            .iter()
            .filter(|server| chosen(server))
            .map(|server| server.major.to_string())
            .collect();
        majors.join(",")
    };
    let mut variables = vec![
        ("TENANCY_TEST_USED".to_owned(), used.display().to_string()),
        ("TENANCY_TEST_MAJORS".to_owned(), list(&full)),
        ("TENANCY_TEST_MAJORS_ALL".to_owned(), list(&|_| true)),
    ];
    variables.extend(
        servers
            .iter()
            .map(|server| (server.variable(), server.url.clone())),
    );
    if !without.is_empty() {
        let names: Vec<&str> = without.iter().map(|left_out| left_out.name()).collect();
        variables.push(("TENANCY_TEST_WITHOUT".to_owned(), names.join(",")));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::{Options, Plan, Without};

    fn options(postgres: &[u16], url: &[&str], without: &[Without]) -> Options {
        Options {
            postgres: postgres.to_vec(),
            postgres_url: url.iter().map(ToString::to_string).collect(),
            without: without.to_vec(),
            write_matrix: false,
        }
    }

    #[test]
    fn nothing_picked_is_all_majors_and_a_pick_is_that_alone() {
        let none = |_: &str| None;
        let plan = Plan::new(&options(&[], &[], &[]), none).unwrap();
        assert_eq!(
            plan,
            Plan {
                urls: vec![],
                start: vec![15, 16, 17, 18],
                usual: true
            }
        );
        let plan = Plan::new(&options(&[17], &[], &[]), none).unwrap();
        assert_eq!(
            plan,
            Plan {
                urls: vec![],
                start: vec![17],
                usual: false
            }
        );
        let plan = Plan::new(&options(&[], &["u"], &[]), none).unwrap();
        assert_eq!(
            plan,
            Plan {
                urls: vec!["u".into()],
                start: vec![],
                usual: false
            }
        );
        let plan = Plan::new(&options(&[], &[], &[Without::Postgres]), none).unwrap();
        assert_eq!(
            plan,
            Plan {
                urls: vec![],
                start: vec![],
                usual: true
            }
        );
    }

    #[test]
    fn a_server_in_the_environment_is_taken_for_its_major() {
        let given = |name: &str| (name == "TENANCY_TEST_POSTGRES_16").then(|| "u".to_owned());
        let plan = Plan::new(&options(&[], &[], &[]), given).unwrap();
        assert_eq!(
            plan,
            Plan {
                urls: vec!["u".into()],
                start: vec![15, 16, 17, 18],
                usual: true
            }
        );
        assert_eq!(
            Plan::new(&options(&[17], &[], &[]), given).unwrap().urls,
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_pick_of_what_is_left_out_is_an_error() {
        for picked in [
            options(&[17], &[], &[Without::Postgres]),
            options(&[], &["u"], &[Without::Postgres]),
        ] {
            assert!(Plan::new(&picked, |_| None).is_err());
        }
    }
}
