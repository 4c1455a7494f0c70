//! The label in front of a base domain.

use super::hostname;
use crate::{Extracted, InvalidDomain, RequestView, Resolver, Spoofable};

/// Reads the tenant's id from the one label in front of a base domain: `acme` in
/// `acme.example.com`.
///
/// The base domain itself, and hosts outside it, say nothing. More than one label, and a label
/// that is no tenant id (an internationalised one included), are invalid, and so is a host that is
/// an IP address. Ids with `_` can't be reached this way, since host names have none.
///
/// ```
/// use tenancy_core::Subdomain;
/// let resolver = Subdomain::of("example.com");
/// ```
#[derive(Debug, Clone)]
pub struct Subdomain {
    base: String,
}

impl Subdomain {
    /// Subdomains of `base`; `localhost` will do for development.
    ///
    /// # Panics
    /// Where `base` is no host name: that is a slip in the program, which must not start. A base
    /// from a configuration goes through [`try_of`](Self::try_of).
    pub fn of(base: &str) -> Self {
        match Self::try_of(base) {
            Ok(this) => this,
            Err(error) => panic!("Subdomain::of: {error}"),
        }
    }

    /// Subdomains of `base`.
    ///
    /// # Errors
    /// [`InvalidDomain`] where `base` is no host name.
    pub fn try_of(base: &str) -> Result<Self, InvalidDomain> {
        hostname::own(base).map(|base| Self { base })
    }

    fn read(&self, request: &dyn RequestView) -> Result<Extracted, &'static str> {
        let Some(host) = hostname::of_request(request)? else {
            return Ok(Extracted::None);
        };
        match hostname::under(&host, &self.base) {
            None => Ok(Extracted::None),
            Some(labels) if labels.contains('.') => {
                Err("more than one label stands in front of the base domain")
            }
            Some(label) => hostname::label_id(label).map(Extracted::Id),
        }
    }
}

impl Resolver for Subdomain {
    type Trust = Spoofable;

    fn name(&self) -> &'static str {
        "subdomain"
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        self.read(request).into()
    }
}
