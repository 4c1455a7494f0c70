//! A pool's settings.

use std::time::Duration;

use tenancy_pool::Pool;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::Roles;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::{Code, Expectations};
use tokio::time::Instant;

use crate::manager::LinkManager;
use crate::purpose::Purpose;
use crate::separation::Kind;
use crate::settings::Draft;
use crate::trust::{Trust, Whose};
use crate::{Adapter, Central, DriverError, Error, Separation, Tenants};

/// The environment variable that holds the sealing key, as `ID:BASE64`.
pub const SEALING_KEY_VARIABLE: &str = "TENANCY_SEALING_KEY";

/// How long the first connection and the whole verification may take.
const FIRST_CONNECTION: Duration = Duration::from_secs(30);

const NO_POOLED_ROLE: Error = Error::Settings {
    reason: "the roles name no pooled role: install one with Roles::with_pooled, and give these roles to the builder",
};

macro_rules! shared_settings {
    () => {
        /// The most connections, to all places together. 10 unless set, and at least 1.
        pub fn max_connections(mut self, connections: u32) -> Self {
            self.draft.limits.connections = connections;
            self
        }

        /// How long a checkout may take, waiting for its turn and connecting included. 5 s unless
        /// set.
        pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
            self.draft.acquire_timeout = timeout;
            self
        }

        /// How long making one connection may take. 5 s unless set.
        pub fn connect_timeout(mut self, timeout: Duration) -> Self {
            self.draft.limits.connect = timeout;
            self
        }

        /// The longest that a place is left alone after connecting to it has failed: 50 ms the first
        /// time, or this where it is shorter, and doubled by each further one up to 51 s. 1 s unless set.
        pub fn connect_pause(mut self, longest: Duration) -> Self {
            self.draft.limits.pause = longest;
            self
        }

        /// How long cleaning a connection may take, what still runs on it included, before it is
        /// closed instead. 1 s unless set.
        pub fn scrub_timeout(mut self, timeout: Duration) -> Self {
            self.draft.limits.clean = timeout;
            self
        }

        /// How long a connection that came back may go on with what it was doing, before that is
        /// cancelled on the server and the connection closed, where the driver can cancel. 250 ms
        /// unless set.
        pub fn abandon_timeout(mut self, timeout: Duration) -> Self {
            self.draft.abandon = timeout;
            self
        }

        /// After how long without use a connection is closed. 10 minutes unless set.
        pub fn idle_timeout(mut self, timeout: Duration) -> Self {
            self.draft.limits.idle = timeout;
            self
        }

        /// After how long a connection is closed when it comes back. 30 minutes unless set.
        pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
            self.draft.limits.lifetime = lifetime;
            self
        }

        /// PostgreSQL's `statement_timeout`, to the millisecond. The server's own unless set.
        pub fn statement_timeout(mut self, timeout: Duration) -> Self {
            self.draft.statement_timeout = Some(timeout);
            self
        }

        /// How many prepared statements the driver keeps on each connection, where it counts them.
        /// 100 unless set.
        pub fn statement_cache_capacity(mut self, capacity: usize) -> Self {
            self.draft.statement_cache_capacity = capacity;
            self
        }

        /// The name that the server's views and log show. `tenancy` unless set.
        pub fn application_name(mut self, name: impl Into<String>) -> Self {
            self.draft.application_name = name.into();
            self
        }

        /// Serves although the verification finds this about this object, both as the finding names
        /// them. It is still in the log, and in what `verify` answers.
        pub fn accept_finding(mut self, code: Code, object: impl Into<String>) -> Self {
            self.draft.accepted.push((code, object.into()));
            self
        }
    };
}

/// Settings of a tenant pool.
#[derive(Debug, Clone)]
#[must_use = "nothing is connected before `.connect()`"]
pub struct TenantPoolBuilder<D> {
    driver: D,
    draft: Draft,
    separation: Separation,
    pooled: bool,
    key: Option<SealingKey>,
    kind: TenantKind,
    roles: Option<Roles>,
    below_floor: bool,
    role_settings: Vec<String>,
}

impl<D: Adapter> TenantPoolBuilder<D> {
    /// For an adapter's own constructor.
    pub fn new(driver: D, url: &str) -> Self {
        Self {
            driver,
            draft: Draft::new(url),
            separation: Separation::sealed(),
            pooled: false,
            key: None,
            kind: TenantKind::Text,
            roles: None,
            below_floor: false,
            role_settings: Vec::new(),
        }
    }

    shared_settings!();

    /// The most connections of one tenant. Half of `max_connections`, rounded up, unless set.
    pub fn max_per_tenant(mut self, connections: u32) -> Self {
        self.draft.limits.per_tenant = Some(connections);
        self
    }

    /// How long a connection stays bound on its tenant's shelf without use, and how old its scope
    /// may be when it is handed out: an older one is proven anew, so that a key which was taken away counts. 30 s unless
    /// set.
    pub fn shelf_timeout(mut self, timeout: Duration) -> Self {
        self.draft.limits.shelf = timeout;
        self
    }

    /// How many idle connections are kept bound to nobody, ahead of need, rather than on a shelf. A
    /// quarter of `max_connections` unless set.
    pub fn reserve(mut self, connections: u32) -> Self {
        self.draft.limits.reserve = Some(connections);
        self
    }

    /// How the tenants are kept apart. [`Separation::sealed`] unless set.
    pub fn separation(mut self, separation: Separation) -> Self {
        self.separation = separation;
        self
    }

    /// Says that the URL leads to a connection pooler that hands out a server connection for one
    /// transaction (PgBouncer's `pool_mode = transaction`), and that its user is the pooled role of
    /// the installation ([`Roles::with_pooled`]).
    ///
    /// Only [`Separation::sealed`] works there, and only in transactions: `acquire` is refused. At
    /// connect it is seen, not assumed, that the pooler resets its server connections between
    /// transactions; a transaction costs one trip more. Startup options don't reach the server:
    /// give the login a `statement_timeout` with `ALTER ROLE .. SET`, and
    /// [expect](Self::expect_role_setting) it.
    ///
    /// PgBouncer 1.18 may lose a server connection for good when a client goes in the moment in which
    /// it resets that connection (its `SHOW SERVERS` then says `tested` for ever). A pool that drops a
    /// scope midway ends the transaction and not the connection, which is why; a process that is
    /// killed may still do it.
    pub fn behind_transaction_pooler(mut self) -> Self {
        self.pooled = true;
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
        self
    }

    /// The roles of the installation. Unless set, for a URL whose user is `app`: `app`,
    /// `app_central` and `app_owner`.
    pub fn roles(mut self, roles: Roles) -> Self {
        self.roles = Some(roles);
        self
    }

    /// The URL of a server that tenants' placements name
    /// ([`Placement::on_server`](tenancy_core::Placement::on_server)).
    pub fn server(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.draft.servers.insert(name.into(), url.into());
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
    /// [`Error::Unsafe`] lists each hole with its mend. [`Error::NoSealingKey`], [`Error::Url`],
    /// [`Error::Connect`] or [`Error::ServerTimedOut`] where it did not come so far.
    pub async fn connect(self) -> Result<D::TenantPool, D::AdapterError> {
        Ok(D::tenant_pool(self.tenants().await?))
    }

    async fn tenants(self) -> Result<Tenants<D>, Error> {
        if self.pooled && !matches!(self.separation.kind, Kind::Sealed) {
            return Err(Error::Settings {
                reason: "only sealed scopes are safe through a transaction pooler, so take another separation to the server itself",
            });
        }
        if let Some(reason) = self.separation.misfit {
            return Err(Error::Settings { reason });
        }
        let manager = LinkManager {
            settings: self.draft.settle(&self.driver)?,
            purpose: self.purpose()?,
            trust: Trust::new(self.whose()?, self.draft.accepted.clone()),
            separation: self.separation,
            driver: self.driver,
        };
        let tenants = Tenants::new(Pool::new(manager, self.draft.limits()));
        let deadline = Instant::now() + FIRST_CONNECTION;
        tenants.prove_ready(deadline).await?;
        Ok(tenants)
    }

    fn purpose(&self) -> Result<Purpose, Error> {
        match self.separation.kind {
            Kind::RoutedSchemas { .. } => return Ok(Purpose::Routed),
            Kind::Logins { .. } | Kind::SchemaLogins { .. } | Kind::Databases { .. } => {
                return Ok(Purpose::Own);
            }
            Kind::Sealed => {}
        }
        let key = match &self.key {
            Some(key) => key.clone(),
            None => match std::env::var(SEALING_KEY_VARIABLE) {
                Ok(text) => text.parse().map_err(Error::Enforcement)?,
                Err(_) => return Err(Error::NoSealingKey),
            },
        };
        let kind = self.kind;
        Ok(if self.pooled {
            let login = self.installed_roles()?.pooled().cloned();
            let login = login.ok_or(NO_POOLED_ROLE)?;
            Purpose::Pooled { key, kind, login }
        } else {
            Purpose::Sealed { key, kind }
        })
    }

    /// Whose connections these are, and what is expected of them.
    fn whose(&self) -> Result<Whose, Error> {
        let (logins, expectations) = match &self.separation.kind {
            Kind::Sealed if self.pooled => {
                let roles = self.installed_roles()?;
                let expectations = Expectations::for_pooled(&roles).ok_or(NO_POOLED_ROLE)?;
                let login = roles.pooled().cloned().ok_or(NO_POOLED_ROLE)?;
                return Ok(self.runtime(login, expectations));
            }
            Kind::Sealed => {
                let roles = self.installed_roles()?;
                let runtime = roles.runtime().clone();
                return Ok(self.runtime(runtime, Expectations::new(roles)));
            }
            Kind::Logins { logins, .. } => {
                let expectations = Expectations::for_logins(&self.installed_roles()?, logins);
                (logins.clone(), self.expecting(expectations))
            }
            Kind::RoutedSchemas { .. } => return Ok(self.places(Some(self.user()?))),
            Kind::SchemaLogins { .. } | Kind::Databases { .. } => return Ok(self.places(None)),
        };
        Ok(Whose::Logins {
            logins,
            kind: self.kind,
            expectations: Box::new(expectations),
        })
    }

    fn runtime(&self, role: Identifier, expectations: Expectations) -> Whose {
        Whose::Runtime {
            role,
            expectations: Box::new(self.expecting(expectations)),
            role_settings: self.role_settings.clone(),
        }
    }

    fn places(&self, runtime: Option<Identifier>) -> Whose {
        Whose::Places {
            separation: self.separation.clone(),
            runtime,
            below_floor: self.below_floor,
            role_settings: self.role_settings.clone(),
        }
    }

    fn expecting(&self, expectations: Expectations) -> Expectations {
        let expectations = if self.below_floor {
            expectations.allow_version_below_floor()
        } else {
            expectations
        };
        let expecting = |expectations: Expectations, setting: &String| {
            expectations.expect_role_setting(setting)
        };
        self.role_settings.iter().fold(expectations, expecting)
    }

    /// The roles that were named, or else those that the documentation names.
    fn installed_roles(&self) -> Result<Roles, Error> {
        if let Some(roles) = &self.roles {
            return Ok(roles.clone());
        }
        let runtime = self.user()?;
        Ok(Roles::new(
            runtime.clone(),
            Identifier::new(&format!("{runtime}_central"))?,
            Identifier::new(&format!("{runtime}_owner"))?,
        )?)
    }

    /// The URL's user.
    fn user(&self) -> Result<Identifier, Error> {
        let options = self.driver.parse(&self.draft.url);
        let options = options.map_err(|error| Error::Url(DriverError::new(&self.driver, error)))?;
        Ok(Identifier::new(
            &self.driver.user(&options).unwrap_or_default(),
        )?)
    }
}

/// Settings of a central pool.
#[derive(Debug, Clone)]
#[must_use = "nothing is connected before `.connect()`"]
pub struct CentralPoolBuilder<D> {
    driver: D,
    draft: Draft,
}

impl<D: Adapter> CentralPoolBuilder<D> {
    /// For an adapter's own constructor.
    pub fn new(driver: D, url: &str) -> Self {
        let mut draft = Draft::new(url);
        // There is no neighbour to leave something to.
        draft.limits.per_tenant = Some(u32::MAX);
        Self { driver, draft }
    }

    shared_settings!();

    /// Connects, and looks at what the role is.
    ///
    /// # Errors
    /// [`Error::Unsafe`] where it is a superuser, may create roles, or is not above the wall;
    /// [`Error::Url`], [`Error::Connect`] or [`Error::ServerTimedOut`].
    pub async fn connect(self) -> Result<D::CentralPool, D::AdapterError> {
        Ok(D::central_pool(self.central().await?))
    }

    async fn central(self) -> Result<Central<D>, Error> {
        let manager = LinkManager {
            settings: self.draft.settle(&self.driver)?,
            separation: Separation::sealed(),
            purpose: Purpose::Central,
            trust: Trust::new(Whose::Central, self.draft.accepted.clone()),
            driver: self.driver,
        };
        let central = Central::new(Pool::new(manager, self.draft.limits()));
        drop(central.checkout(Instant::now() + FIRST_CONNECTION).await?);
        Ok(central)
    }
}
