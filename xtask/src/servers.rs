//! The servers of a run, held by a program of the testkit that stops them when we are gone.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

/// The majors that are supported, oldest first.
pub(crate) const MAJORS: [u16; 4] = [15, 16, 17, 18];

/// One server that is up.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) major: u16,
    pub(crate) version: String,
    /// Somebody else's, and left running.
    pub(crate) given: bool,
    pub(crate) url: String,
}

impl Server {
    /// The variable that gives this server to the tests.
    pub(crate) fn variable(&self) -> String {
        variable(self.major)
    }
}

/// The program of a `PgBouncer`, which tests start for themselves.
#[derive(Clone, Debug)]
pub(crate) struct PgBouncer {
    pub(crate) version: String,
    /// `given`, `installed` or `unpacked`.
    pub(crate) origin: String,
    pub(crate) path: String,
}

/// The variable that gives the program to the tests.
pub(crate) const PGBOUNCER: &str = "TENANCY_TEST_PGBOUNCER";

/// The variable that gives the `MariaDB` of the run to the tests, or one to the run.
pub(crate) const MARIADB: &str = "TENANCY_TEST_MARIADB";

/// The `MariaDB` of the run.
#[derive(Clone, Debug)]
pub(crate) struct Mariadb {
    pub(crate) version: String,
    /// Somebody else's, and left running.
    pub(crate) given: bool,
    pub(crate) url: String,
}

/// The variable that gives the Redis of the run to the tests, or one to the run.
pub(crate) const REDIS: &str = "TENANCY_TEST_REDIS";

/// The Redis of the run.
#[derive(Clone, Debug)]
pub(crate) struct Redis {
    pub(crate) version: String,
    /// Somebody else's, and left running.
    pub(crate) given: bool,
    pub(crate) url: String,
}

/// What a run needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The servers behind these URLs.
    pub(crate) urls: &'a [String],
    /// Those of these majors that none of them covers.
    pub(crate) majors: &'a [u16],
    /// The program of `PgBouncer`, found or brought.
    pub(crate) pgbouncer: bool,
    /// A `MariaDB`, the one that the environment gives or one that is started.
    pub(crate) mariadb: bool,
    /// A Redis, the one that the environment gives or one that is started.
    pub(crate) redis: bool,
}

/// Every server of the run. Dropped: those that were started are stopped, and their data is gone.
#[derive(Debug)]
pub(crate) struct Servers {
    holder: Child,
    pub(crate) all: Vec<Server>,
    pub(crate) pgbouncer: Option<PgBouncer>,
    pub(crate) mariadb: Option<Mariadb>,
    pub(crate) redis: Option<Redis>,
}

impl Servers {
    /// Takes and starts what is wanted.
    pub(crate) fn bring(wanted: Wanted<'_>) -> Result<Self, Box<dyn Error>> {
        // Built with the tests, beside us.
        let program = std::env::current_exe()?.with_file_name("throwaway-postgres");
        let mut holder = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} can't be run: {error}", program.display()))?;
        let (Some(orders), Some(answers)) = (holder.stdin.as_mut(), holder.stdout.take()) else {
            return Err("the program that holds the servers has no pipes".into());
        };
        for url in wanted.urls {
            writeln!(orders, "at {url}")?;
        }
        for major in wanted.majors {
            writeln!(orders, "start {major}")?;
        }
        if wanted.pgbouncer {
            writeln!(orders, "pgbouncer")?;
        }
        if wanted.mariadb {
            writeln!(orders, "mariadb")?;
        }
        if wanted.redis {
            writeln!(orders, "redis")?;
        }
        writeln!(orders)?;

        let mut servers = Self {
            holder,
            all: Vec::new(),
            pgbouncer: None,
            mariadb: None,
            redis: None,
        };
        let mut answers = BufReader::new(answers).lines();
        // The answers come all together, once all servers are up.
        while !servers.covers(wanted) {
            let Some(answer) = answers.next() else {
                return Err(
                    "the servers that the tests need could not be had (the reason stands above), \
                            and no test was run"
                        .into(),
                );
            };
            match read(&answer?)? {
                Answer::Server(server) => servers.all.push(server),
                Answer::PgBouncer(program) => servers.pgbouncer = Some(program),
                Answer::Mariadb(server) => servers.mariadb = Some(server),
                Answer::Redis(server) => servers.redis = Some(server),
            }
        }
        Ok(servers)
    }

    fn covers(&self, wanted: Wanted<'_>) -> bool {
        let given = self.all.iter().filter(|server| server.given).count();
        given == wanted.urls.len()
            && wanted.pgbouncer == self.pgbouncer.is_some()
            && wanted.mariadb == self.mariadb.is_some()
            && wanted.redis == self.redis.is_some()
            && wanted
                .majors
                .iter()
                .all(|major| self.all.iter().any(|server| server.major == *major))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // It ends by itself when they are stopped.
        let _ = self.holder.wait();
    }
}

/// The variable that gives the server of this major.
pub(crate) fn variable(major: u16) -> String {
    format!("TENANCY_TEST_POSTGRES_{major}")
}

enum Answer {
    Server(Server),
    PgBouncer(PgBouncer),
    Mariadb(Mariadb),
    Redis(Redis),
}

fn read(answer: &str) -> Result<Answer, Box<dyn Error>> {
    let words: Vec<&str> = answer.splitn(4, ' ').collect();
    let &[what, version, origin, place] = words.as_slice() else {
        return Err("the program that holds the servers gave an answer that is none".into());
    };
    let version = version.to_owned();
    Ok(if what == "mariadb" {
        Answer::Mariadb(Mariadb {
            version,
            given: origin == "given",
            url: place.to_owned(),
        })
    } else if what == "redis" {
        Answer::Redis(Redis {
            version,
            given: origin == "given",
            url: place.to_owned(),
        })
    } else if what == "pgbouncer" {
        Answer::PgBouncer(PgBouncer {
            version,
            origin: origin.to_owned(),
            path: place.to_owned(),
        })
    } else {
        Answer::Server(Server {
            major: what.parse()?,
            version,
            given: origin == "given",
            url: place.to_owned(),
        })
    })
}
