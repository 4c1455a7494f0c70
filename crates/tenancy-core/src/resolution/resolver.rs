//! The trait that every resolver implements.

use crate::{Domain, RequestView, TenantId, TrustLevel};

/// Reads which tenant a request names, from one place of it.
///
/// Implementing it is for what [`Custom`](crate::Custom), a closure, can't do.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no resolver",
    label = "it does not say where in the request the tenant is named",
    note = "use `Subdomain::of(..)`, `Header::named(..)`, `Claim::named(..)` and their like, or `Custom` for a closure"
)]
pub trait Resolver: Send + Sync + 'static {
    /// Whether a client can write at will what this reads: [`Spoofable`](crate::Spoofable) or
    /// [`Trusted`](crate::Trusted).
    type Trust: TrustLevel;

    /// The name in errors and logs, such as `header`.
    fn name(&self) -> &'static str;

    /// What the request says here. Must be a pure reading of the request: no look-up, no default.
    fn resolve(&self, request: &dyn RequestView) -> Extracted;
}

/// What a resolver found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extracted {
    /// Nothing is said here: the other resolvers decide.
    None,
    /// A tenant's id.
    Id(TenantId),
    /// A tenant's own domain.
    Domain(Domain),
    /// Something is said, and it is bad, for this reason. The request is refused, whatever the
    /// other resolvers say.
    Invalid(&'static str),
}

impl Extracted {
    /// An id from text; bad text is [`Invalid`](Self::Invalid).
    pub fn id(text: &str) -> Self {
        match TenantId::new(text) {
            Ok(id) => Self::Id(id),
            Err(_) => Self::Invalid("the value is no tenant id"),
        }
    }
}

impl From<Result<Self, &'static str>> for Extracted {
    fn from(read: Result<Self, &'static str>) -> Self {
        read.unwrap_or_else(Self::Invalid)
    }
}
