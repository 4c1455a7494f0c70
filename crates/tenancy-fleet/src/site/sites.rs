//! All sites by the names that placements call them.

use std::collections::BTreeMap;

use tenancy_core::Placement;

use super::{Site, SiteError};

/// The sites of a fleet: one without a name, and others by the server's name in a placement.
#[derive(Debug, Clone)]
#[must_use]
pub struct Sites {
    main: Site,
    others: BTreeMap<String, Site>,
}

impl Sites {
    /// One site, for placements that name no server.
    pub fn new(main: Site) -> Self {
        Self {
            main,
            others: BTreeMap::new(),
        }
    }

    /// And the site that placements call `server`.
    pub fn with(mut self, server: impl Into<String>, site: Site) -> Self {
        self.others.insert(server.into(), site);
        self
    }

    /// Where new tenants come, unless said otherwise.
    pub fn main(&self) -> &Site {
        &self.main
    }

    /// The site of this name.
    ///
    /// # Errors
    /// [`SiteError::UnknownSite`].
    pub fn named(&self, server: Option<&str>) -> Result<&Site, SiteError> {
        match server {
            None => Ok(&self.main),
            Some(server) => self.others.get(server).ok_or(SiteError::UnknownSite),
        }
    }

    pub(crate) fn of(&self, placement: &Placement) -> Result<&Site, SiteError> {
        self.named(placement.server())
    }
}

impl<S: Into<Site>> From<S> for Sites {
    fn from(main: S) -> Self {
        Self::new(main.into())
    }
}
