use std::fmt;
use std::path::Path;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::{VARIABLE, is_left_out, program};
use crate::Error;
use crate::launch::{Launch, Own, log_of, looked_for};
use crate::postgres::place::Place;
use crate::postgres::supervisor::Supervised;
use crate::random::random_hex;

const SCRIPT: &str = include_str!("supervisor.sh");
const LAUNCH: Launch = Launch {
    patience: Duration::from_mins(1),
    port_is_taken: "Could not create server TCP listening socket",
    failed: |reason, log| Error::StartRedis { reason, log },
};

/// A real server. One of our own is throw-away: it is stopped when this is dropped, and when the
/// process that started it dies, even by `SIGKILL`.
pub struct Server {
    version: String,
    url: String,
    port: u16,
    own: Option<Own>,
}

impl Server {
    /// The server that the whole process shares: the one that the environment gives ([`VARIABLE`]), or
    /// one of its own, started at the first call.
    ///
    /// # Errors
    /// What [`Server::start`] fails with; [`Error::Given`] if the one given can't be used.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<Server> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::given_or_started).await
    }

    /// The server that the environment gives, or one of its own.
    ///
    /// # Errors
    /// As [`Server::shared`].
    pub async fn given_or_started() -> Result<Self, Error> {
        match std::env::var(VARIABLE) {
            Ok(url) if !is_left_out() => Self::at(&url).await,
            _ => Self::start().await,
        }
    }

    /// Starts a server of its own for the caller, and returns when it answers.
    ///
    /// # Errors
    /// [`Error::LeftOut`] if the run was told to do without, [`Error::Redis`] if there is no program,
    /// [`Error::StartRedis`] with the end of its log if it doesn't come up.
    pub async fn start() -> Result<Self, Error> {
        if is_left_out() {
            return Err(Error::LeftOut { server: "redis" });
        }
        let look = || {
            let place = Place::find()?;
            Ok((program::find(&place)?, place))
        };
        let (program, place) = looked_for(look, |reason| Error::Redis { reason }).await?;
        let start = |port, password: String| {
            let own = Supervised::run(&place, "tenancy-redis", SCRIPT, |folder| {
                let files = vec![("redis.conf", configuration(folder, port, &password))];
                (files, vec![program.clone().into()])
            })?;
            let url = format!("redis://:{password}@127.0.0.1:{port}/");
            Ok((own, (url, port)))
        };
        let (own, (url, port), version) = LAUNCH
            .run(start, async |(url, _)| version(&url).await)
            .await?;
        Ok(Self {
            version,
            url,
            port,
            own: Some(own),
        })
    }

    /// A server that is already there. It is not stopped at the end.
    ///
    /// # Errors
    /// [`Error::Given`] if it can't be reached.
    pub async fn at(url: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Given {
            variable: VARIABLE.to_owned(),
            reason: reason.to_owned(),
        };
        let client = redis::Client::open(url)
            .map_err(|_| refuse("it is no Redis URL: redis://USER:PASSWORD@HOST:PORT"))?;
        let port = match client.get_connection_info().addr() {
            redis::ConnectionAddr::Tcp(_, port) => *port,
            _ => return Err(refuse("only plain TCP is spoken here: redis://")),
        };
        let version = version(url)
            .await
            .map_err(|_| refuse("it can't be reached with this user and password"))?;
        Ok(Self {
            version,
            url: url.to_owned(),
            port,
            own: None,
        })
    }

    /// Its version as it says itself, such as `7.0.15`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it was given, and is left running.
    pub fn is_given(&self) -> bool {
        self.own.is_none()
    }

    /// The TCP port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, with the password, for [`VARIABLE`].
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A name that nobody else uses on it, to be put in front of a test's keys.
    ///
    /// # Errors
    /// [`Error::Random`] if the system has no randomness.
    pub fn name(&self) -> Result<String, Error> {
        crate::postgres::usage::record_redis();
        Ok(format!("test-{}", random_hex(8)?))
    }

    /// Everything that it has logged. Empty for a server that was given.
    ///
    /// # Errors
    /// [`Error::File`] if the log can't be read.
    pub fn log(&self) -> Result<String, Error> {
        log_of(self.own.as_ref())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("version", &self.version)
            .field("port", &self.port)
            .field("own", &self.own.is_some())
            .finish_non_exhaustive()
    }
}

/// Nothing on disk, and nobody without the password.
fn configuration(folder: &Path, port: u16, password: &str) -> String {
    format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {}\nsave \"\"\nappendonly no\n\
         maxmemory 256mb\ndaemonize no\n",
        folder.display()
    )
}

async fn version(url: &str) -> redis::RedisResult<String> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await?;
    let version = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"));
    Ok(version.unwrap_or("of no version").trim().to_owned())
}
