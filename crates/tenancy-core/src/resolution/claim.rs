//! A verified claim.

use crate::{Extracted, RequestView, Resolver, Trusted};

/// Reads the tenant's id from a claim that the application's authentication has verified.
///
/// Trusted, so a chain of claims alone may do without a membership check. It is then the token's
/// issuer who decides who is a member, until the token expires.
///
/// ```
/// use tenancy_core::Claim;
/// let resolver = Claim::named("tenant");
/// ```
#[derive(Debug, Clone)]
pub struct Claim {
    name: String,
}

impl Claim {
    /// The claim of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

impl Resolver for Claim {
    type Trust = Trusted;

    fn name(&self) -> &'static str {
        "claim"
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        request
            .claim(&self.name)
            .map_or(Extracted::None, Extracted::id)
    }
}
