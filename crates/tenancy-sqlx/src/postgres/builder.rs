//! A pool's settings.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::Roles;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::settings::startup_options;
use tenancy_postgres::verify::{Code, Expectations};
use tokio::time::Instant;

use super::capacity::{Capacity, Limits};
use super::central_pool::CentralPool;
use super::scrub::Ends;
use super::tenant_pool::{Inner, TenantPool};
use super::trust::{Accepted, Login, Trust};
use super::verbs::Guarded;
use crate::Error;

/// The environment variable that holds the sealing key, as `ID:BASE64`.
pub const SEALING_KEY_VARIABLE: &str = "TENANCY_SEALING_KEY";

/// How long the first connection and the whole verification may take.
const FIRST_CONNECTION: Duration = Duration::from_secs(30);

/// `Duration::MAX` from now is no point in time.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// What both pools have settings for.
#[derive(Clone)]
struct Settings {
    url: String,
    max_connections: u32,
    acquire_timeout: Duration,
    scrub_timeout: Duration,
    statement_timeout: Option<Duration>,
    statement_cache_capacity: usize,
    application_name: String,
    accepted: Vec<Accepted>,
}

impl Settings {
    fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            scrub_timeout: Duration::from_secs(1),
            statement_timeout: None,
            statement_cache_capacity: 100,
            application_name: "tenancy".to_owned(),
            accepted: Vec::new(),
        }
    }

    fn options(&self) -> Result<PgConnectOptions, Error> {
        let options: PgConnectOptions = self
            .url
            .parse()
            .map_err(|error: sqlx::Error| Error::Url(error.into()))?;
        let mut options = options
            .application_name(&self.application_name)
            .statement_cache_capacity(self.statement_cache_capacity)
            // A query whose connection we drop is looked for ten times a second, and ended.
            .options([("client_connection_check_interval", "100")]);
        if let Some(timeout) = self.statement_timeout {
            options = options.options([("statement_timeout", timeout.as_millis().to_string())]);
        }
        // Last, so that the URL's own options don't win.
        Ok(options.options(startup_options().iter().copied()))
    }

    fn guarded(self, login: Login, ends: Ends) -> Result<Guarded, Error> {
        let limits = Limits {
            connections: self.max_connections.max(1),
            acquire: self.acquire_timeout.min(LONGEST),
            scrub: self.scrub_timeout.min(LONGEST),
        };
        let capacity = Capacity::new(self.options()?, limits, ends);
        Ok(Guarded {
            capacity: capacity.into(),
            trust: Trust::new(login, self.accepted),
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("scrub_timeout", &self.scrub_timeout)
            .field("accepted", &self.accepted)
            .finish_non_exhaustive()
    }
}

macro_rules! shared_settings {
    () => {
        /// The most connections. 10 unless set, and at least 1.
        pub fn max_connections(mut self, connections: u32) -> Self {
            self.settings.max_connections = connections;
            self
        }

        /// How long a checkout may take, waiting for its turn and connecting included. 5 s unless
        /// set.
        pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
            self.settings.acquire_timeout = timeout;
            self
        }

        /// How long cleaning a connection may take, what still runs on it included, before it is
        /// closed instead. 1 s unless set.
        pub fn scrub_timeout(mut self, timeout: Duration) -> Self {
            self.settings.scrub_timeout = timeout;
            self
        }

        /// PostgreSQL's `statement_timeout`, to the millisecond. The server's own unless set.
        pub fn statement_timeout(mut self, timeout: Duration) -> Self {
            self.settings.statement_timeout = Some(timeout);
            self
        }

        /// How many prepared statements the driver keeps on each connection. 100 unless set.
        pub fn statement_cache_capacity(mut self, capacity: usize) -> Self {
            self.settings.statement_cache_capacity = capacity;
            self
        }

        /// The name that the server's views and log show. `tenancy` unless set.
        pub fn application_name(mut self, name: impl Into<String>) -> Self {
            self.settings.application_name = name.into();
            self
        }

        /// Serves although the verification finds this about this object, both as the finding names
        /// them. It is still in the log, and in what `verify` answers.
        pub fn accept_finding(mut self, code: Code, object: impl Into<String>) -> Self {
            self.settings.accepted.push((code, object.into()));
            self
        }
    };
}

/// Settings of a [`TenantPool`].
#[derive(Debug, Clone)]
#[must_use = "nothing is connected before `.connect()`"]
pub struct TenantPoolBuilder {
    settings: Settings,
    key: Option<SealingKey>,
    kind: TenantKind,
    roles: Option<Roles>,
    below_floor: bool,
    role_settings: Vec<String>,
}

impl TenantPoolBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            settings: Settings::new(url),
            key: None,
            kind: TenantKind::Text,
            roles: None,
            below_floor: false,
            role_settings: Vec::new(),
        }
    }

    shared_settings!();

    /// The key that proves which tenant a connection may enter. The environment's
    /// `TENANCY_SEALING_KEY` unless set.
    pub fn sealing_key(mut self, key: SealingKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The type of the tenant columns. Text unless set.
    pub fn kind(mut self, kind: TenantKind) -> Self {
        self.kind = kind;
        self
    }

    /// The roles of the installation. Unless set, for a URL whose user is `app`: `app`,
    /// `app_central` and `app_owner`.
    pub fn roles(mut self, roles: Roles) -> Self {
        self.roles = Some(roles);
        self
    }

    /// Serves from a server below the floor of its major, or of a major not tested with. See
    /// [`Expectations::allow_version_below_floor`].
    pub fn allow_version_below_floor(mut self) -> Self {
        self.below_floor = true;
        self
    }

    /// Expects a setting that `ALTER ROLE .. SET` gave to the runtime role, such as
    /// `statement_timeout=5s`. Any other may have been left there by injected SQL.
    pub fn expect_role_setting(mut self, setting: impl Into<String>) -> Self {
        self.role_settings.push(setting.into());
        self
    }

    /// Connects, and looks for holes.
    ///
    /// # Errors
    /// As [`TenantPool::connect`].
    pub async fn connect(self) -> Result<TenantPool, Error> {
        let key = match self.key {
            Some(key) => key,
            None => match std::env::var(SEALING_KEY_VARIABLE) {
                Ok(text) => text.parse().map_err(Error::Enforcement)?,
                Err(_) => return Err(Error::NoSealingKey),
            },
        };
        let roles = match self.roles {
            Some(roles) => roles,
            None => roles_of(self.settings.options()?.get_username())?,
        };
        let runtime = roles.runtime().clone();
        let mut expectations = Expectations::new(roles);
        if self.below_floor {
            expectations = expectations.allow_version_below_floor();
        }
        for setting in self.role_settings {
            expectations = expectations.expect_role_setting(setting);
        }
        let login = Login::Tenant(runtime, Box::new(expectations));
        let guarded = self.settings.guarded(login, Ends::Scope)?;
        let pool = TenantPool::assemble(Inner {
            guarded,
            key,
            kind: self.kind,
        });
        drop(pool.ready(Instant::now() + FIRST_CONNECTION).await?);
        Ok(pool)
    }
}

/// The names that the documentation gives the three roles.
fn roles_of(runtime: &str) -> Result<Roles, Error> {
    Ok(Roles::new(
        Identifier::new(runtime)?,
        Identifier::new(&format!("{runtime}_central"))?,
        Identifier::new(&format!("{runtime}_owner"))?,
    )?)
}

/// Settings of a [`CentralPool`].
#[derive(Debug, Clone)]
#[must_use = "nothing is connected before `.connect()`"]
pub struct CentralPoolBuilder {
    settings: Settings,
}

impl CentralPoolBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            settings: Settings::new(url),
        }
    }

    shared_settings!();

    /// Connects, and looks at what the role is.
    ///
    /// # Errors
    /// As [`CentralPool::connect`].
    pub async fn connect(self) -> Result<CentralPool, Error> {
        let guarded = self.settings.guarded(Login::Central, Ends::Nothing)?;
        drop(guarded.ready(Instant::now() + FIRST_CONNECTION).await?);
        Ok(CentralPool::assemble(guarded))
    }
}
