//! Whether what a resolver reads can be forged by a client.

use crate::{Extracted, RequestView, Resolver};

mod sealed {
    pub trait Sealed {}
}

/// Whether what a resolver reads can be forged: [`Spoofable`] or [`Trusted`], and nothing else.
pub trait TrustLevel: sealed::Sealed + Send + Sync + 'static {}

/// A client can send it at will: headers, hosts, paths. Needs a
/// [`Membership`](crate::Membership) check.
#[derive(Debug, Clone, Copy)]
pub struct Spoofable;

/// The application's own authentication has verified it.
#[derive(Debug, Clone, Copy)]
pub struct Trusted;

impl sealed::Sealed for Spoofable {}
impl sealed::Sealed for Trusted {}
impl TrustLevel for Spoofable {}
impl TrustLevel for Trusted {}

/// States that a trusted proxy sets what `R` reads, on every request and whatever the client sent,
/// and that no request reaches this service past that proxy.
///
/// Nothing here can check that. If it is not so, anyone can name any tenant.
///
/// ```
/// use tenancy_core::{Header, SetByTrustedProxy};
/// let resolver = SetByTrustedProxy(Header::named("x-tenant-id"));
/// ```
#[derive(Debug, Clone)]
pub struct SetByTrustedProxy<R>(pub R);

impl<R: Resolver> Resolver for SetByTrustedProxy<R> {
    type Trust = Trusted;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        self.0.resolve(request)
    }
}
