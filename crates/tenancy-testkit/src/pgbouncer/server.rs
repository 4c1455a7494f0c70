use std::fmt;
use std::time::Duration;

use tokio_postgres::Client;

use super::{PgBouncerConfig, Program};
use crate::Error;
use crate::launch::{Launch, Own, looked_for};
use crate::postgres::place::Place;
use crate::postgres::server::Endpoint;
use crate::postgres::supervisor::Supervised;
use crate::postgres::usage;

const SCRIPT: &str = include_str!("supervisor.sh");
const CONSOLE: &str = "console";
const LAUNCH: Launch = Launch {
    patience: Duration::from_mins(1),
    port_is_taken: "Address already in use",
    failed: |reason, log| Error::StartPgBouncer { reason, log },
};

/// A real `PgBouncer` on a free port of 127.0.0.1. It is stopped when this is dropped, and when the
/// process that started it dies, even by `SIGKILL`.
pub struct PgBouncer {
    program: Program,
    database: String,
    endpoint: Endpoint,
    own: Own,
}

impl PgBouncer {
    /// Starts one, and returns when it answers.
    ///
    /// # Errors
    /// [`Error::LeftOut`] if the run was told to do without, [`Error::Program`] if there is no program,
    /// [`Error::StartPgBouncer`] with the end of its log if it doesn't come up.
    pub async fn start(config: PgBouncerConfig) -> Result<Self, Error> {
        let look = || Ok((Program::find()?, Place::find()?));
        let (program, place) = looked_for(look, |reason| Error::Program { reason }).await?;
        let start = |port, password| {
            let endpoint = Endpoint {
                host: "127.0.0.1".to_owned(),
                port,
                user: CONSOLE.to_owned(),
                password,
            };
            let own = Supervised::run(&place, "tenancy-pgbouncer", SCRIPT, |folder| {
                let files = vec![
                    ("pgbouncer.ini", config.ini(folder, endpoint.port, CONSOLE)),
                    ("users", config.users(CONSOLE, &endpoint.password)),
                ];
                (files, vec![program.path().into()])
            })?;
            Ok((own, endpoint))
        };
        let (own, endpoint, ()) = LAUNCH
            .run(start, async |endpoint| {
                let console = endpoint.connect("pgbouncer").await?;
                console.simple_query("SHOW VERSION").await.map(drop)
            })
            .await?;
        usage::record_pgbouncer();
        Ok(Self {
            program,
            database: config.backend.database,
            endpoint,
            own,
        })
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
        self.own.log()
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
