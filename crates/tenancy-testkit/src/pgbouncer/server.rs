use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::{PgBouncerConfig, Program};
use crate::Error;
use crate::postgres::place::Place;
use crate::postgres::server::{Endpoint, free_port};
use crate::postgres::supervisor::Supervised;
use crate::postgres::usage;
use crate::random::random_hex;

const SCRIPT: &str = include_str!("supervisor.sh");
const CONSOLE: &str = "console";
const START_PATIENCE: Duration = Duration::from_mins(1);

/// A real `PgBouncer` on a free port of 127.0.0.1. It is stopped when this is dropped, and when the
/// process that started it dies, even by `SIGKILL`.
pub struct PgBouncer {
    program: Program,
    database: String,
    endpoint: Endpoint,
    own: Mutex<Supervised>,
}

impl PgBouncer {
    /// Starts one, and returns when it answers.
    ///
    /// # Errors
    /// [`Error::LeftOut`] if the run was told to do without, [`Error::Program`] if there is no program,
    /// [`Error::StartPgBouncer`] with the end of its log if it doesn't come up.
    pub async fn start(config: PgBouncerConfig) -> Result<Self, Error> {
        let (program, place) =
            tokio::task::spawn_blocking(|| Ok::<_, Error>((Program::find()?, Place::find()?)))
                .await
                .map_err(|_| Error::Program {
                    reason: "looking for it was interrupted".to_owned(),
                })??;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let endpoint = Endpoint {
                host: "127.0.0.1".to_owned(),
                port: free_port()?,
                user: CONSOLE.to_owned(),
                password: random_hex(16)?,
            };
            let mut own = Supervised::run(&place, "tenancy-pgbouncer", SCRIPT, |folder| {
                let files = vec![
                    ("pgbouncer.ini", config.ini(folder, endpoint.port, CONSOLE)),
                    ("users", config.users(CONSOLE, &endpoint.password)),
                ];
                (files, vec![program.path().into()])
            })?;
            let Some(reason) = refuses(&mut own, &endpoint).await else {
                usage::record_pgbouncer();
                return Ok(Self {
                    program,
                    database: config.backend.database,
                    endpoint,
                    own: Mutex::new(own),
                });
            };
            let log = own.log()?;
            // Another process took the port between our look and its start.
            if attempts < 5 && log.contains("Address already in use") {
                continue;
            }
            let lines: Vec<&str> = log.lines().collect();
            return Err(Error::StartPgBouncer {
                reason: reason.to_owned(),
                log: lines[lines.len().saturating_sub(20)..].join("\n"),
            });
        }
    }

    /// Its version, such as `1.18.0`.
    pub fn version(&self) -> &str {
        self.program.version()
    }

    /// The TCP port that it listens on.
    pub const fn port(&self) -> u16 {
        self.endpoint.port
    }

    /// The URL of the database through it, for one of the backend's users.
    pub fn url_for(&self, role: &str, password: &str) -> String {
        self.endpoint.url_for(role, password, &self.database)
    }

    /// The URL of its admin console, which speaks the simple protocol only.
    pub fn admin_url(&self) -> String {
        self.endpoint.url("pgbouncer")
    }

    /// A connection to its admin console. Its task is spawned on the caller's runtime.
    ///
    /// # Errors
    /// [`Error::Database`] if it refuses.
    pub async fn admin(&self) -> Result<Client, Error> {
        Ok(self.endpoint.connect("pgbouncer").await?)
    }

    /// Everything that it has logged.
    ///
    /// # Errors
    /// [`Error::File`] if the log can't be read.
    pub fn log(&self) -> Result<String, Error> {
        self.own
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .log()
    }

    /// Stops it, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }
}

impl fmt::Debug for PgBouncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgBouncer")
            .field("version", &self.version())
            .field("port", &self.port())
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Waits until its console answers; the reason if it doesn't.
async fn refuses(own: &mut Supervised, endpoint: &Endpoint) -> Option<&'static str> {
    let since = Instant::now();
    while since.elapsed() < START_PATIENCE {
        // The password is this one's own, so that another one on the port doesn't answer for it.
        if let Ok(console) = endpoint.connect("pgbouncer").await
            && console.simple_query("SHOW VERSION").await.is_ok()
        {
            return None;
        }
        if own.has_ended() {
            return Some("it ended by itself");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some("it did not answer in time")
}
