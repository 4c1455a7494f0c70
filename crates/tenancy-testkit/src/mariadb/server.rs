use std::fmt;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions as _, Row as _};
use tokio::sync::OnceCell;

use super::program::Program;
use super::{Database, VARIABLE, is_left_out};
use crate::Error;
use crate::launch::{Launch, Own, log_of, looked_for};
use crate::postgres::place::Place;
use crate::postgres::server::encoded;
use crate::postgres::supervisor::{Certificate, Supervised};

const SCRIPT: &str = include_str!("supervisor.sh");
const ADMINISTRATOR: &str = "administrator";

const LAUNCH: Launch = Launch {
    // Its own tables and the first start, on a machine that does other things too.
    patience: Duration::from_mins(2),
    port_is_taken: "Bind on TCP/IP port",
    failed: |reason, log| Error::StartMariadb { reason, log },
};

/// A real server. One of our own is throw-away: it is stopped, and its data removed, when this is
/// dropped, and when the process that started it dies, even by `SIGKILL`.
pub struct Server {
    version: String,
    admin: MySqlConnectOptions,
    admin_url: String,
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
    /// [`Error::LeftOut`] if the run was told to do without, [`Error::Mariadb`] if there is no program,
    /// [`Error::StartMariadb`] with the end of its log if it doesn't come up.
    pub async fn start() -> Result<Self, Error> {
        Self::start_with(None).await
    }

    /// The same, and it offers TLS, with this chain of certificates and this key, in PEM.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_with_tls(chain: &str, key: &str) -> Result<Self, Error> {
        Self::start_with(Some(Certificate {
            chain: chain.to_owned(),
            key: key.to_owned(),
        }))
        .await
    }

    async fn start_with(certificate: Option<Certificate>) -> Result<Self, Error> {
        if is_left_out() {
            return Err(Error::LeftOut { server: "mysql" });
        }
        let look = || {
            let place = Place::find()?;
            Ok((Program::find(&place)?, place))
        };
        let (program, place) = looked_for(look, |reason| Error::Mariadb { reason }).await?;
        let start = |port: u16, password: String| {
            let bootstrap = program.bootstrap(ADMINISTRATOR, &password)?;
            let own = Supervised::run(&place, "tenancy-mariadb", SCRIPT, |_| {
                let arguments = vec![
                    program.path.clone().into(),
                    program.share.clone().into(),
                    port.to_string().into(),
                ];
                let mut files = vec![("bootstrap.sql", bootstrap)];
                files.extend(certificate.iter().flat_map(Certificate::files));
                (files, arguments)
            })?;
            let admin = MySqlConnectOptions::new()
                .host("127.0.0.1")
                .port(port)
                .username(ADMINISTRATOR)
                .password(&password)
                .ssl_mode(MySqlSslMode::Disabled);
            let admin_url = url(ADMINISTRATOR, &password, "127.0.0.1", port, "");
            Ok((own, (admin, admin_url)))
        };
        let (own, (admin, admin_url), version) = LAUNCH
            .run(start, async |(admin, _)| version(&admin).await)
            .await?;
        Ok(Self {
            version,
            admin,
            admin_url,
            own: Some(own),
        })
    }

    /// A server that is already there, by an administrator's URL. It is not stopped at the end.
    ///
    /// # Errors
    /// [`Error::Given`] if it can't be reached.
    pub async fn at(url: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Given {
            variable: VARIABLE.to_owned(),
            reason: reason.to_owned(),
        };
        let admin: MySqlConnectOptions = url
            .parse()
            .map_err(|_| refuse("it is no MySQL URL: mysql://USER:PASSWORD@HOST:PORT"))?;
        let admin = admin.ssl_mode(MySqlSslMode::Disabled);
        let version = version(&admin)
            .await
            .map_err(|_| refuse("it can't be reached with this user and password"))?;
        Ok(Self {
            version,
            admin,
            admin_url: url.to_owned(),
            own: None,
        })
    }

    /// Its version as it says itself, such as `10.11.19`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it was given, and is left running.
    pub fn is_given(&self) -> bool {
        self.own.is_none()
    }

    /// The TCP port that it listens on.
    pub fn port(&self) -> u16 {
        self.admin.get_port()
    }

    /// The administrator's URL, for [`VARIABLE`].
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// A fresh database with a user of its own: see [`Database`].
    ///
    /// # Errors
    /// [`Error::MariadbDatabase`] if the server refuses.
    pub async fn database(&self) -> Result<Database, Error> {
        let database = Database::create(&self.admin).await?;
        crate::postgres::usage::record_mariadb();
        Ok(database)
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
            .field("port", &self.port())
            .field("own", &self.own.is_some())
            .finish_non_exhaustive()
    }
}

async fn version(admin: &MySqlConnectOptions) -> Result<String, sqlx::Error> {
    let mut connection = admin.connect().await?;
    let row = sqlx::query("SELECT VERSION()")
        .fetch_one(&mut connection)
        .await?;
    let version: String = row.try_get(0)?;
    // `10.11.19-MariaDB-0+deb12u1` is `10.11.19` here.
    Ok(version.split('-').next().unwrap_or_default().to_owned())
}

/// A URL's user, password and place, each escaped.
pub(super) fn url(user: &str, password: &str, host: &str, port: u16, database: &str) -> String {
    format!(
        "mysql://{}:{}@{host}:{port}/{}",
        encoded(user),
        encoded(password),
        encoded(database)
    )
}
