//! A tenant's own domain.

use super::hostname;
use crate::{Domain, Extracted, InvalidDomain, RequestView, Resolver, Spoofable};

/// Reads a tenant's own domain, which the store then looks up
/// ([`TenantStore::find_by_domain`](crate::TenantStore::find_by_domain)).
///
/// Every host that is not the service's own is one; the service's own domain and those under it
/// say nothing here, so that [`Subdomain`](crate::Subdomain) can stand beside it. A host that is
/// no full domain name, an IP address included, is invalid.
///
/// ```
/// use tenancy_core::CustomDomain;
/// let resolver = CustomDomain::except("example.com");
/// ```
#[derive(Debug, Clone)]
pub struct CustomDomain {
    own: String,
}

impl CustomDomain {
    /// All domains but the service's `own` and those under it.
    ///
    /// # Panics
    /// Where `own` is no host name: that is a slip in the program, which must not start. A name
    /// from a configuration goes through [`try_except`](Self::try_except).
    pub fn except(own: &str) -> Self {
        match Self::try_except(own) {
            Ok(this) => this,
            Err(error) => panic!("CustomDomain::except: {error}"),
        }
    }

    /// All domains but the service's `own` and those under it.
    ///
    /// # Errors
    /// [`InvalidDomain`] where `own` is no host name.
    pub fn try_except(own: &str) -> Result<Self, InvalidDomain> {
        hostname::own(own).map(|own| Self { own })
    }

    fn read(&self, request: &dyn RequestView) -> Result<Extracted, &'static str> {
        let Some(host) = hostname::of_request(request)? else {
            return Ok(Extracted::None);
        };
        if host == self.own || hostname::under(&host, &self.own).is_some() {
            return Ok(Extracted::None);
        }
        Domain::new(&host)
            .map(Extracted::Domain)
            .map_err(|_| "the host is no full domain name")
    }
}

impl Resolver for CustomDomain {
    type Trust = Spoofable;

    fn name(&self) -> &'static str {
        "custom domain"
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        self.read(request).into()
    }
}
