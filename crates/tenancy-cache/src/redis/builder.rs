use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use ::redis::Client;
use ::redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};

use super::fault::connecting;
use super::keys::Name;
use super::remote::Remote;
use super::{CacheValue, CentralCache, TenantCache};
use crate::CacheError;

/// Which server, under which name, and for how long values are kept.
#[must_use = "nothing is built before `.connect(url)` or `.over(connection)`"]
pub struct CacheBuilder<V> {
    name: String,
    time_to_live: Duration,
    timeout: Duration,
    values: PhantomData<fn() -> V>,
}

impl<V: CacheValue> CacheBuilder<V> {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            time_to_live: Duration::from_mins(5),
            timeout: Duration::from_millis(500),
            values: PhantomData,
        }
    }

    /// How long a value is kept after it was put in; 5 minutes, if nothing is said. What was cleared
    /// takes up room in Redis for as long.
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// How long to wait for an answer, and for a connection, of the one that
    /// [`connect`](Self::connect) makes; half a second, if nothing is said.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// Tenants' values on the server behind `url`, `redis://USER:PASSWORD@HOST:PORT/DB`, through one
    /// connection that is made anew when it is lost.
    ///
    /// # Errors
    /// [`CacheError::Connect`] if it can't be reached, [`CacheError::Name`] for a name that can't
    /// stand in front of keys.
    pub async fn connect(self, url: &str) -> Result<TenantCache<V>, CacheError> {
        let connection = self.dial(url).await?;
        self.over(connection)
    }

    /// Tenants' values on a connection of your own: through TLS, to a cluster or by sentinels, as the
    /// `redis` crate's features have it. Give it a timeout for its answers.
    ///
    /// # Errors
    /// [`CacheError::Name`] for a name that can't stand in front of keys.
    pub fn over<C>(self, connection: C) -> Result<TenantCache<V, C>, CacheError>
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Ok(TenantCache::new(self.remote(connection)?))
    }

    /// As [`connect`](Self::connect), for central values.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_central(self, url: &str) -> Result<CentralCache<V>, CacheError> {
        let connection = self.dial(url).await?;
        self.over_central(connection)
    }

    /// As [`over`](Self::over), for central values.
    ///
    /// # Errors
    /// As [`over`](Self::over).
    pub fn over_central<C>(self, connection: C) -> Result<CentralCache<V, C>, CacheError>
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Ok(CentralCache::new(self.remote(connection)?))
    }

    async fn dial(&self, url: &str) -> Result<ConnectionManager, CacheError> {
        let client = Client::open(url).map_err(|error| connecting(&error))?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(self.timeout))
            .set_connection_timeout(Some(self.timeout))
            // The next command tries again.
            .set_number_of_retries(1);
        ConnectionManager::new_with_config(client, config)
            .await
            .map_err(|error| connecting(&error))
    }

    fn remote<C>(self, connection: C) -> Result<Remote<C>, CacheError> {
        Ok(Remote {
            connection,
            name: Name::new(&self.name)?,
            time_to_live: self.time_to_live,
        })
    }
}

impl<V> fmt::Debug for CacheBuilder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("name", &self.name)
            .field("time_to_live", &self.time_to_live)
            .field("timeout", &self.timeout)
            .finish()
    }
}
