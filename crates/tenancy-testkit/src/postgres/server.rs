use std::fmt::{self, Write as _};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config};

use super::given::{self, Given};
use super::left_out;
use super::place::Place;
use super::supervisor::{Certificate, Supervised};
use super::usage::{self, Use};
use super::{Database, Major, database, install};
use crate::Error;
use crate::launch::{Launch, Own, end_of, log_of};

/// `initdb` and the first start, on a machine that does other things too.
const START_PATIENCE: Duration = Duration::from_mins(2);

/// A real server. One of our own is throw-away: it is stopped, and its data removed, when this is
/// dropped, and when the process that started it dies, even by `SIGKILL`.
pub struct Server {
    major: Major,
    version: String,
    endpoint: Endpoint,
    own: Option<Own>,
}

impl Server {
    /// The server of this major that the whole process shares: the one that the environment gives
    /// ([`Major::variable`]), or one of its own, started at the first call.
    ///
    /// It belongs to no runtime: each `#[tokio::test]` has its own, and all may use it.
    ///
    /// # Errors
    /// What [`Server::start`] fails with; [`Error::Given`] if the one given is not what it should be.
    pub async fn shared(major: Major) -> Result<&'static Self, Error> {
        static SHARED: [OnceCell<Server>; 4] = [const { OnceCell::const_new() }; 4];
        let place = usize::from(major.number() - Major::V15.number());
        SHARED[place]
            .get_or_try_init(|| async {
                if left_out("postgres") {
                    return Err(Error::LeftOut { server: "postgres" });
                }
                match std::env::var(major.variable()) {
                    Ok(url) => Self::given(major, &url).await,
                    Err(_) => Self::start(major).await,
                }
            })
            .await
    }

    /// Starts a server of its own for the caller, with our settings.
    ///
    /// # Errors
    /// [`Error::Fetch`] if its programs are not there and can't be had, [`Error::Start`] with the end of
    /// its log if it doesn't come up, [`Error::LeftOut`] if the run was told to do without.
    pub async fn start(major: Major) -> Result<Self, Error> {
        Self::builder(major).start().await
    }

    /// A server with settings of its own, such as `max_prepared_transactions`.
    pub const fn builder(major: Major) -> Builder {
        Builder {
            major,
            settings: Vec::new(),
            certificate: None,
        }
    }

    /// A server that is already there, by a superuser's URL. It is not stopped at the end.
    ///
    /// # Errors
    /// [`Error::Given`] if it can't be reached, is of no supported major, or the user is no superuser.
    pub async fn at(url: &str) -> Result<Self, Error> {
        let Given {
            endpoint,
            version,
            major,
        } = given::look_at(url, "the URL").await?;
        Ok(Self {
            major,
            version,
            endpoint,
            own: None,
        })
    }

    async fn given(major: Major, url: &str) -> Result<Self, Error> {
        let found = given::look_at(url, major.variable()).await?;
        if found.major != major {
            return Err(Error::Given {
                variable: major.variable().to_owned(),
                reason: format!(
                    "it is PostgreSQL {}, and {major} is expected there",
                    found.version
                ),
            });
        }
        usage::record(major, Use::Given);
        Ok(Self {
            major,
            version: found.version,
            endpoint: found.endpoint,
            own: None,
        })
    }

    /// Its major.
    pub const fn major(&self) -> Major {
        self.major
    }

    /// Its version as it says itself, such as `18.6`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The host that it listens on: 127.0.0.1 for a server of our own.
    pub fn host(&self) -> &str {
        &self.endpoint.host
    }

    /// The TCP port that it listens on.
    pub const fn port(&self) -> u16 {
        self.endpoint.port
    }

    /// The URL of this database for the superuser.
    pub fn superuser_url(&self, database: &str) -> String {
        self.endpoint.url(database)
    }

    /// A fresh database with roles of its own: see [`Database`].
    ///
    /// # Errors
    /// [`Error::Database`] if the server refuses.
    pub async fn database(&self) -> Result<Database, Error> {
        let database = Database::create(&self.endpoint).await?;
        usage::record(self.major, Use::Database);
        Ok(database)
    }

    /// Stops it as a crash does (`immediate`), and starts it again on the same port with the same data.
    /// Every connection is lost, and so is what was not committed. Returns when it answers.
    ///
    /// What was committed is kept only with `synchronous_commit = on`, which
    /// [`Server::builder`] has to ask for. Do not restart a [shared](Self::shared) one under others.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for a server that was given, [`Error::Start`] if it doesn't come up again.
    pub async fn restart(&self) -> Result<(), Error> {
        let own = self.own.as_ref().ok_or(Error::NotOurs)?;
        let before = self.started_at().await?;
        own.restart()?;
        let ask = async || match self.started_at().await {
            Ok(now) if now != before => Ok(()),
            _ => Err(()),
        };
        let answered = own.answers(START_PATIENCE, ask).await;
        answered.map_err(|reason| match own.log() {
            Ok(log) => failed(self.major, reason.to_owned(), end_of(&log)),
            Err(error) => error,
        })
    }

    async fn started_at(&self) -> Result<String, Error> {
        let client = self.endpoint.connect("postgres").await?;
        let row = client
            .query_one("SELECT pg_postmaster_start_time()::text", &[])
            .await?;
        Ok(row.get(0))
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
            .field("endpoint", &self.endpoint)
            .field("own", &self.own.is_some())
            .finish_non_exhaustive()
    }
}

/// A server that is about to be started, from [`Server::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is started before `.start()`"]
pub struct Builder {
    major: Major,
    settings: Vec<(String, String)>,
    certificate: Option<Certificate>,
}

impl Builder {
    /// Sets a parameter in `postgresql.conf`, over ours if it is one of them.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Has it offer TLS, with this chain of certificates and this key, in PEM.
    pub fn tls(mut self, chain: impl Into<String>, key: impl Into<String>) -> Self {
        self.certificate = Some(Certificate {
            chain: chain.into(),
            key: key.into(),
        });
        self
    }

    /// Starts it, and returns when it answers.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start(self) -> Result<Server, Error> {
        if left_out("postgres") {
            return Err(Error::LeftOut { server: "postgres" });
        }
        let place = Place::find()?;
        let programs = install::programs(&place, self.major).await?;
        let start = |port, password| {
            let endpoint = Endpoint {
                host: "127.0.0.1".to_owned(),
                port,
                user: "postgres".to_owned(),
                password,
            };
            let own = Supervised::spawn(
                &place,
                &programs,
                endpoint.port,
                &endpoint.password,
                &self.settings,
                self.certificate.as_ref(),
            )?;
            Ok((own, endpoint))
        };
        let major = self.major;
        let launch = Launch {
            patience: START_PATIENCE,
            port_is_taken: "could not bind",
            failed: |reason, log| failed(major, reason, log),
        };
        let (own, endpoint, version) = launch
            .run(start, async |endpoint: Endpoint| {
                let client = endpoint.connect("postgres").await?;
                let row = client.query_one("SHOW server_version", &[]).await?;
                Ok::<_, tokio_postgres::Error>(row.get(0))
            })
            .await?;
        usage::record(self.major, Use::Started);
        Ok(Server {
            major: self.major,
            version,
            endpoint,
            own: Some(own),
        })
    }
}

fn failed(major: Major, reason: String, log: String) -> Error {
    Error::Start {
        version: major.release(),
        reason,
        log,
    }
}

/// Where a server listens, and who its superuser is.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Endpoint {
    pub(crate) fn url(&self, database: &str) -> String {
        self.url_for(&self.user, &self.password, database)
    }

    pub(crate) fn url_for(&self, role: &str, password: &str, database: &str) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!(
            "postgres://{}:{}@{host}:{}/{}",
            encoded(role),
            encoded(password),
            self.port,
            encoded(database)
        )
    }

    pub(crate) async fn connect(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .password(&self.password)
            .dbname(database)
            .connect_timeout(Duration::from_secs(10));
        database::connect(&config).await
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.user, self.host, self.port)
    }
}

/// A URL's part, with everything but letters, digits, `-` and `_` escaped.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
