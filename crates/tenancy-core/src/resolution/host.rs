//! A fixed list of hosts, each with its tenant.

use std::collections::HashMap;

use super::hostname;
use crate::{Domain, Extracted, RequestView, Resolver, Spoofable, TenantId};

/// Reads the tenant from a fixed list of hosts: for the few tenants of a service that has no store
/// of domains. A host that is not listed says nothing; a malformed one is invalid.
///
/// ```
/// use tenancy_core::Host;
/// let resolver = Host::map([("shop.acme.example", "acme"), ("beta.example", "beta")])?;
/// assert!(Host::map([("shop.acme.example", "acme"), ("SHOP.acme.example", "beta")]).is_err());
/// # Ok::<(), tenancy_core::InvalidHostMap>(())
/// ```
#[derive(Debug, Clone)]
pub struct Host {
    tenants: HashMap<Domain, TenantId>,
}

impl Host {
    /// Hosts and the id of each one's tenant. A tenant may have several hosts.
    ///
    /// # Errors
    /// [`InvalidHostMap`] where a host or an id is not valid, or a host is listed twice.
    pub fn map<H: AsRef<str>, I: AsRef<str>>(
        hosts: impl IntoIterator<Item = (H, I)>,
    ) -> Result<Self, InvalidHostMap> {
        let mut tenants = HashMap::new();
        for (position, (host, id)) in hosts.into_iter().enumerate() {
            let host = Domain::new(host).map_err(|_| InvalidHostMap::Host { position })?;
            let id = TenantId::new(id).map_err(|_| InvalidHostMap::Id { position })?;
            if tenants.insert(host, id).is_some() {
                return Err(InvalidHostMap::Twice { position });
            }
        }
        Ok(Self { tenants })
    }
}

impl Resolver for Host {
    type Trust = Spoofable;

    fn name(&self) -> &'static str {
        "host"
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        match hostname::of_request(request) {
            Ok(Some(host)) => self
                .tenants
                .get(&*host)
                .map_or(Extracted::None, |id| Extracted::Id(id.clone())),
            Ok(None) => Extracted::None,
            Err(what) => Extracted::Invalid(what),
        }
    }
}

/// Why a list of hosts was refused. Positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHostMap {
    /// A host is no domain name.
    #[error(
        "entry {position} of the host list has no valid host: give a name such as shop.example.com"
    )]
    Host {
        /// Which entry.
        position: usize,
    },
    /// An id is not valid.
    #[error("entry {position} of the host list has no valid tenant id")]
    Id {
        /// Which entry.
        position: usize,
    },
    /// A host is listed twice.
    #[error(
        "entry {position} of the host list names a host that is listed already: one host has one tenant"
    )]
    Twice {
        /// The second of the two.
        position: usize,
    },
}
