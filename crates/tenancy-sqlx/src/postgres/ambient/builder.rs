//! The settings of a pool of SQLx's own.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::Roles;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::pooler::Pinned;
use tenancy_postgres::schema::routed_identity;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::settings::startup_options;
use tenancy_postgres::verify::Code;
use tenancy_postgres_pool::{
    Connect, Driver as _, DriverError, Error as PoolError, SEALING_KEY_VARIABLE,
};

use super::hooks::Hooks;
use crate::Error;
use crate::postgres::driver::settled;
use crate::postgres::{Sqlx, TenantPool, TenantPoolBuilder};

/// For how long the connection that verifies is kept.
const VERIFIER_IDLE: Duration = Duration::from_secs(10);

/// `Duration::MAX` from now is no point in time.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Settings of the pool that [`AmbientPool`](super::AmbientPool) makes.
#[derive(Clone)]
#[must_use = "nothing is connected before `.connect()`"]
pub struct AmbientPoolBuilder {
    url: String,
    /// What verifies.
    verifier: TenantPoolBuilder,
    key: Option<SealingKey>,
    kind: TenantKind,
    accepted: Vec<(Code, String)>,
    max_connections: u32,
    min_connections: u32,
    acquire_timeout: Duration,
    scrub_timeout: Duration,
    idle_timeout: Duration,
    max_lifetime: Duration,
    statement_timeout: Option<Duration>,
    statement_cache_capacity: usize,
    application_name: String,
}

impl AmbientPoolBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            verifier: TenantPool::builder(url)
                .max_connections(1)
                .idle_timeout(VERIFIER_IDLE),
            key: None,
            kind: TenantKind::Text,
            accepted: Vec::new(),
            max_connections: 10,
            min_connections: 0,
            acquire_timeout: Duration::from_secs(5),
            scrub_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_mins(10),
            max_lifetime: Duration::from_mins(30),
            statement_timeout: None,
            statement_cache_capacity: 100,
            application_name: "tenancy".to_owned(),
        }
    }

    /// The most connections. 10 unless set, and at least 1.
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// The connections that are kept ahead of need. None unless set.
    pub fn min_connections(mut self, connections: u32) -> Self {
        self.min_connections = connections;
        self
    }

    /// How long a checkout may take, waiting for its turn, connecting and opening the scope included.
    /// 5 s unless set.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout.min(LONGEST);
        self
    }

    /// How long cleaning a connection may take, what still runs on it included, before it is closed
    /// instead. 1 s unless set.
    pub fn scrub_timeout(mut self, timeout: Duration) -> Self {
        self.scrub_timeout = timeout.min(LONGEST);
        self
    }

    /// After how long without use a connection is closed. 10 minutes unless set.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout.min(LONGEST);
        self
    }

    /// After how long a connection is closed. 30 minutes unless set.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = lifetime.min(LONGEST);
        self
    }

    /// PostgreSQL's `statement_timeout`, to the millisecond. The server's own unless set.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// How many prepared statements SQLx keeps on each connection. 100 unless set.
    pub fn statement_cache_capacity(mut self, capacity: usize) -> Self {
        self.statement_cache_capacity = capacity;
        self
    }

    /// The name that the server's views and log show. `tenancy` unless set.
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self.verifier = self.verifier.application_name(&self.application_name);
        self
    }

    /// The key that proves which tenant a connection may enter. The environment's
    /// `TENANCY_SEALING_KEY` unless set.
    pub fn sealing_key(mut self, key: SealingKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The type of the tenant columns. Text unless set.
    pub fn kind(mut self, kind: TenantKind) -> Self {
        self.kind = kind;
        self.verifier = self.verifier.kind(kind);
        self
    }

    /// The roles of the installation. Unless set, for a URL whose user is `app`: `app`,
    /// `app_central` and `app_owner`.
    pub fn roles(mut self, roles: Roles) -> Self {
        self.verifier = self.verifier.roles(roles);
        self
    }

    /// Serves although the verification finds this about this object, both as the finding names
    /// them.
    pub fn accept_finding(mut self, code: Code, object: impl Into<String>) -> Self {
        let object = object.into();
        self.verifier = self.verifier.accept_finding(code, &object);
        self.accepted.push((code, object));
        self
    }

    /// Serves from a server below the floor of its major, or of a major not tested with. See
    /// [`Expectations::allow_version_below_floor`](tenancy_postgres::verify::Expectations::allow_version_below_floor).
    pub fn allow_version_below_floor(mut self) -> Self {
        self.verifier = self.verifier.allow_version_below_floor();
        self
    }

    /// Expects a setting that `ALTER ROLE .. SET` gave to the runtime role, such as
    /// `statement_timeout=5s`. Any other may have been left there by injected SQL.
    pub fn expect_role_setting(mut self, setting: impl Into<String>) -> Self {
        self.verifier = self.verifier.expect_role_setting(setting);
        self
    }

    /// Connects, and looks for holes.
    ///
    /// # Errors
    /// As [`AmbientPool::connect`](super::AmbientPool::connect).
    pub async fn connect(self) -> Result<PgPool, Error> {
        let key = match &self.key {
            Some(key) => key.clone(),
            None => std::env::var(SEALING_KEY_VARIABLE)
                .map_err(|_| PoolError::NoSealingKey)?
                .parse()?,
        };
        let failed = |error| DriverError::new(&Sqlx, error);
        let options = Sqlx
            .parse(&self.url)
            .map_err(|error| PoolError::Url(failed(error)))?;
        let pinned = Pinned::random()?;
        let login = Identifier::new(options.get_username())?;
        let options = settled(&options, &self.how(&pinned));
        let verifier = self.verifier.clone().sealing_key(key.clone());
        let hooks = Arc::new(Hooks {
            verifier: verifier.connect().await?,
            accepted: self.accepted,
            fingerprint_sql: routed_identity(&login).fingerprint_sql(),
            sound: Mutex::default(),
            key,
            kind: self.kind,
            pinned,
            within: self.scrub_timeout,
        });
        let pool = PgPoolOptions::new()
            .max_connections(self.max_connections)
            .min_connections(self.min_connections)
            .acquire_timeout(self.acquire_timeout)
            .idle_timeout(self.idle_timeout)
            .max_lifetime(self.max_lifetime)
            // Its ping is content with an answer to another message, and costs a trip.
            .test_before_acquire(false);
        let pool = hooks.hang_on(pool).connect_lazy_with(options);
        // By way of checkouts, so that none rests that was bound to a scope that may be open here.
        let mut first = Vec::new();
        for _ in 0..self.min_connections.clamp(1, self.max_connections) {
            let made = pool.acquire().await;
            first.push(made.map_err(|error| PoolError::Connect(failed(error)))?);
        }
        drop(first);
        Ok(pool)
    }

    fn how(&self, pinned: &Pinned) -> Connect {
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        // A query whose connection is dropped is looked for ten times a second, and ended.
        let mut options = vec![option("client_connection_check_interval", "100")];
        if let Some(timeout) = self.statement_timeout {
            options.push(option(
                "statement_timeout",
                &timeout.as_millis().to_string(),
            ));
        }
        // Last, so that nothing before them wins.
        let pins = startup_options().iter().copied().chain([pinned.option()]);
        options.extend(pins.map(|(name, value)| option(name, value)));
        Connect {
            database: None,
            login: None,
            options,
            application_name: self.application_name.clone(),
            statement_cache_capacity: self.statement_cache_capacity,
        }
    }
}

impl fmt::Debug for AmbientPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmbientPoolBuilder")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("scrub_timeout", &self.scrub_timeout)
            .field("accepted", &self.accepted)
            .finish_non_exhaustive()
    }
}
