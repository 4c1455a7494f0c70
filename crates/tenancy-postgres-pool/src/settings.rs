//! What both kinds of pools have settings for.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tenancy_pool::Limits;
use tenancy_postgres::pooler::Pinned;
use tenancy_postgres::settings::startup_options;
use tenancy_postgres::verify::Code;

use crate::{Connect, Driver, DriverError, Error};

/// `Duration::MAX` from now is no point in time.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A finding that is served over, by its kind and the thing that it is about.
pub(crate) type Accepted = (Code, String);

/// As the builder collects them.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) url: String,
    pub(crate) servers: HashMap<String, String>,
    pub(crate) limits: Limits,
    pub(crate) acquire_timeout: Duration,
    pub(crate) abandon: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) statement_cache_capacity: usize,
    pub(crate) application_name: String,
    pub(crate) accepted: Vec<Accepted>,
}

impl Draft {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            servers: HashMap::new(),
            limits: Limits::default(),
            acquire_timeout: Duration::from_secs(5),
            abandon: Duration::from_millis(250),
            statement_timeout: None,
            statement_cache_capacity: 100,
            application_name: "tenancy".to_owned(),
            accepted: Vec::new(),
        }
    }

    /// The limits, with no duration that overflows a clock.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = self.limits;
        limits.connections = limits.connections.max(1);
        for duration in [
            &mut limits.connect,
            &mut limits.clean,
            &mut limits.idle,
            &mut limits.lifetime,
            &mut limits.shelf,
        ] {
            *duration = (*duration).min(LONGEST);
        }
        limits
    }

    pub(crate) fn settle<D: Driver>(&self, driver: &D) -> Result<Settings<D>, Error> {
        let parse = |url: &str| {
            let parsed = driver.parse(url);
            parsed.map_err(|error| Error::Url(DriverError::new(driver, error)))
        };
        let servers = self
            .servers
            .iter()
            .map(|(name, url)| Ok((name.clone(), parse(url)?)));
        // A query whose connection we drop is looked for ten times a second, and ended.
        let mut options = vec![(
            "client_connection_check_interval".to_owned(),
            "100".to_owned(),
        )];
        if let Some(timeout) = self.statement_timeout {
            options.push((
                "statement_timeout".to_owned(),
                timeout.as_millis().to_string(),
            ));
        }
        // Last, so that nothing before them wins.
        let pinned = startup_options().iter();
        options.extend(pinned.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Ok(Settings {
            base: parse(&self.url)?,
            servers: servers.collect::<Result<_, Error>>()?,
            options,
            acquire_timeout: self.acquire_timeout.min(LONGEST),
            abandon: self.abandon.min(LONGEST),
            rebind: self.limits().shelf,
            statement_cache_capacity: self.statement_cache_capacity,
            application_name: self.application_name.clone(),
        })
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("limits", &self.limits)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("abandon", &self.abandon)
            .field("accepted", &self.accepted)
            .finish_non_exhaustive()
    }
}

/// As the pool uses them.
pub(crate) struct Settings<D: Driver> {
    base: D::Options,
    servers: HashMap<String, D::Options>,
    options: Vec<(String, String)>,
    pub(crate) acquire_timeout: Duration,
    /// After how long without an answer at release what still runs is cancelled.
    pub(crate) abandon: Duration,
    /// After how long a session's scope is opened anew, however often it is used.
    pub(crate) rebind: Duration,
    statement_cache_capacity: usize,
    application_name: String,
}

impl<D: Driver> Settings<D> {
    pub(crate) fn options(&self, server: Option<&str>) -> Result<&D::Options, Error> {
        match server {
            None => Ok(&self.base),
            Some(name) => self.servers.get(name).ok_or(Error::UnknownServer),
        }
    }

    pub(crate) fn connect(&self, pinned: &Pinned) -> Connect {
        let (name, nonce) = pinned.option();
        let mut options = self.options.clone();
        options.push((name.to_owned(), nonce.to_owned()));
        Connect {
            options,
            statement_cache_capacity: self.statement_cache_capacity,
            ..self.connect_pooled()
        }
    }

    /// Through a transaction pooler, which takes no startup options.
    pub(crate) fn connect_pooled(&self) -> Connect {
        Connect {
            database: None,
            login: None,
            options: Vec::new(),
            application_name: self.application_name.clone(),
            statement_cache_capacity: 0,
        }
    }
}
