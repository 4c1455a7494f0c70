//! The last words of a run: what ran, against what, and how it went.

use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitStatus;

use crate::cargo::Tally;
use crate::servers::{Mariadb, PgBouncer, Redis, Server};
use crate::test::Without;

#[derive(Debug)]
pub(crate) struct Summary {
    /// Each server, and whether every test was to run on it.
    pub(crate) servers: Vec<(Server, bool)>,
    pub(crate) pgbouncer: Option<PgBouncer>,
    pub(crate) mariadb: Option<Mariadb>,
    pub(crate) redis: Option<Redis>,
    /// What the tests noted down: a line of `MAJOR<tab>given|started|database<tab>PACKAGE` for each use,
    /// of `pgbouncer<tab>pooler<tab>PACKAGE`, of `mariadb<tab>database<tab>PACKAGE` and of
    /// `redis<tab>name<tab>PACKAGE`.
    pub(crate) used: String,
    pub(crate) without: Vec<Without>,
    /// What the conformance suite has shown, as the README's table.
    pub(crate) matrix: String,
    /// Whether the README says otherwise.
    pub(crate) stale_matrix: bool,
    pub(crate) tally: Tally,
    pub(crate) status: ExitStatus,
}

impl Summary {
    /// Whether everything ran and passed. A run that tested nothing did not.
    pub(crate) fn is_good(&self) -> bool {
        self.status.success()
            && self.tally.failed == 0
            && self.tally.passed > 0
            && !self.stale_matrix
            && self
                .servers
                .iter()
                .all(|(server, _)| !self.users(&server.major.to_string()).is_empty())
            && (self.pgbouncer.is_none() || !self.users("pgbouncer").is_empty())
            && (self.mariadb.is_none() || !self.users("mariadb").is_empty())
            && (self.redis.is_none() || !self.users("redis").is_empty())
    }

    /// The packages whose tests used this server: a major, `pgbouncer`, `mariadb` or `redis`.
    fn users(&self, server: &str) -> BTreeSet<&str> {
        self.uses()
            .filter(|(used, what, _)| *used == server && *what != "started")
            .map(|(_, _, package)| package)
            .collect()
    }

    fn count(&self, major: Option<u16>, what: &str) -> usize {
        let major = major.map(|major| major.to_string());
        self.uses()
            .filter(|(used, kind, _)| {
                *kind == what && major.as_ref().is_none_or(|major| used == major)
            })
            .count()
    }

    fn uses(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.used.lines().filter_map(|line| {
            let mut fields = line.split('\t');
            Some((fields.next()?, fields.next()?, fields.next()?))
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n== summary ==")?;
        for (server, full) in &self.servers {
            let origin = origin(server.given);
            let what = if *full {
                "every test"
            } else {
                "the conformance suite"
            };
            write!(f, "PostgreSQL {} ({origin}): {what}; ", server.version)?;
            let users: Vec<&str> = self.users(&server.major.to_string()).into_iter().collect();
            if users.is_empty() {
                writeln!(f, "NO TEST USED IT")?;
            } else {
                let databases = self.count(Some(server.major), "database");
                writeln!(f, "used by {} in {databases} databases", users.join(", "))?;
            }
        }
        if let Some(PgBouncer {
            version, origin, ..
        }) = &self.pgbouncer
        {
            write!(f, "PgBouncer {version} ({origin}): ")?;
            let users: Vec<&str> = self.users("pgbouncer").into_iter().collect();
            if users.is_empty() {
                writeln!(f, "NO TEST USED IT")?;
            } else {
                let started = self.count(None, "pooler");
                writeln!(f, "used by {}, started {started} times", users.join(", "))?;
            }
        }
        if let Some(Mariadb { version, given, .. }) = &self.mariadb {
            let origin = origin(*given);
            write!(f, "MariaDB {version} ({origin}): every test; ")?;
            let users: Vec<&str> = self.users("mariadb").into_iter().collect();
            if users.is_empty() {
                writeln!(f, "NO TEST USED IT")?;
            } else {
                let on_it = |(server, _, _): &(&str, &str, &str)| *server == "mariadb";
                let databases = self.uses().filter(on_it).count();
                writeln!(f, "used by {} in {databases} databases", users.join(", "))?;
            }
        }
        if let Some(Redis { version, given, .. }) = &self.redis {
            let origin = origin(*given);
            write!(f, "Redis {version} ({origin}): every test; ")?;
            let users: Vec<&str> = self.users("redis").into_iter().collect();
            if users.is_empty() {
                writeln!(f, "NO TEST USED IT")?;
            } else {
                writeln!(f, "used by {}", users.join(", "))?;
            }
        }
        let own = self.count(None, "started");
        if own > 0 {
            writeln!(f, "servers that tests started for themselves: {own}")?;
        }
        for left_out in &self.without {
            let server = match left_out {
                Without::Postgres => "PostgreSQL",
                Without::Pgbouncer => "PgBouncer",
                Without::Mysql => "MariaDB",
                Without::Redis => "Redis",
            };
            writeln!(
                f,
                "LEFT OUT, as asked: {server}, and every test that runs on it"
            )?;
        }
        write!(f, "{}", self.matrix)?;
        if self.stale_matrix {
            writeln!(
                f,
                "NOT GOOD: the README's table says otherwise; write it with `cargo xtask test --write-matrix`"
            )?;
        }
        if self.tally.ignored > 0 {
            writeln!(f, "{} ignored", self.tally.ignored)?;
        }
        if self.tally.failed == 0 && !self.status.success() {
            writeln!(
                f,
                "NOT GOOD: no test reported a failure, but Cargo ended with {}: a test program crashed, or a \
                 documentation example does not build",
                self.status
            )?;
        }
        writeln!(
            f,
            "{} passed, {} failed",
            self.tally.passed, self.tally.failed
        )
    }
}

fn origin(given: bool) -> &'static str {
    if given {
        "given by URL"
    } else {
        "brought for this run"
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::{Mariadb, PgBouncer, Redis, Server, Summary, Tally};
    use crate::test::Without;

    fn server(major: u16, given: bool) -> Server {
        Server {
            major,
            version: format!("{major}.1"),
            given,
            url: "postgres://secret".to_owned(),
        }
    }

    fn good() -> Summary {
        Summary {
            servers: vec![(server(15, false), true), (server(16, true), false)],
            pgbouncer: Some(PgBouncer {
                version: "1.18.0".to_owned(),
                origin: "unpacked".to_owned(),
                path: "/cache/pgbouncer".to_owned(),
            }),
            mariadb: Some(Mariadb {
                version: "10.11.1".to_owned(),
                given: false,
                url: "mysql://secret".to_owned(),
            }),
            redis: Some(Redis {
                version: "7.0.1".to_owned(),
                given: true,
                url: "redis://secret".to_owned(),
            }),
            used:
                "15\tgiven\ta\n15\tdatabase\ta\n15\tdatabase\tb\n16\tdatabase\tc\n18\tstarted\ta\npgbouncer\tpooler\tb\npgbouncer\tpooler\tb\nmariadb\tdatabase\td\nmariadb\tdatabase\td\nredis\tname\td\n"
                    .to_owned(),
            without: Vec::new(),
            matrix: "| a |\n".to_owned(),
            stale_matrix: false,
            tally: Tally {
                passed: 7,
                failed: 0,
                ignored: 0,
            },
            status: ExitStatus::from_raw(0),
        }
    }

    #[test]
    fn it_says_what_ran_against_what_and_ends_with_the_result() {
        let summary = good();
        assert!(summary.is_good());
        assert_eq!(
            summary.to_string(),
            "\n== summary ==\n\
             PostgreSQL 15.1 (brought for this run): every test; used by a, b in 2 databases\n\
             PostgreSQL 16.1 (given by URL): the conformance suite; used by c in 1 databases\n\
             PgBouncer 1.18.0 (unpacked): used by b, started 2 times\n\
             MariaDB 10.11.1 (brought for this run): every test; used by d in 2 databases\n\
             Redis 7.0.1 (given by URL): every test; used by d\n\
             servers that tests started for themselves: 1\n\
             | a |\n\
             7 passed, 0 failed\n"
        );
    }

    #[test]
    fn what_was_left_out_is_said_and_is_no_failure() {
        let mut summary = good();
        summary.pgbouncer = None;
        summary.without = vec![Without::Pgbouncer];
        assert!(summary.is_good());
        assert!(
            summary
                .to_string()
                .contains("LEFT OUT, as asked: PgBouncer, and every test that runs on it\n")
        );
    }

    #[test]
    fn a_failure_a_crash_an_empty_run_and_an_unused_server_are_not_good() {
        let cases: [fn(&mut Summary); 8] = [
            |summary| {
                let uses = summary.used.lines();
                let others: Vec<&str> = uses.filter(|line| !line.starts_with("mariadb")).collect();
                summary.used = others.join("\n");
            },
            |summary| {
                let uses = summary.used.lines();
                let others: Vec<&str> =
                    uses.filter(|line| !line.starts_with("pgbouncer")).collect();
                summary.used = others.join("\n");
            },
            |summary| {
                let uses = summary.used.lines();
                let others: Vec<&str> = uses.filter(|line| !line.starts_with("redis")).collect();
                summary.used = others.join("\n");
            },
            |summary| summary.stale_matrix = true,
            |summary| summary.tally.failed = 1,
            |summary| summary.status = ExitStatus::from_raw(101 << 8),
            |summary| summary.tally.passed = 0,
            |summary| {
                summary.used =
                    "15\tdatabase\ta\n16\tstarted\ta\npgbouncer\tpooler\tb\nmariadb\tdatabase\td\nredis\tname\td\n"
                        .to_owned();
            },
        ];
        for spoil in cases {
            let mut summary = good();
            spoil(&mut summary);
            assert!(!summary.is_good(), "{summary}");
        }
    }
}
