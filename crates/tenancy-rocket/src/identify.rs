//! How authentication hands over what it found.

use rocket::Request;
use tenancy_http::{Principal, VerifiedClaims};

use crate::slot::Slot;

/// What the application's authentication says of a request, in a fairing's `on_request`: before
/// routing, and so before the membership check.
///
/// The first word stands: a later one changes nothing. Once the membership check has asked, nothing
/// is heard any more.
///
/// ```
/// use rocket::fairing::AdHoc;
/// use tenancy_rocket::{Identify as _, Principal};
///
/// struct User { id: u64 }
///
/// let authentication = AdHoc::on_request("authentication", |request, _| Box::pin(async move {
///     // Check the session here; what it says about the caller goes on as the principal.
///     request.identify(Principal::new(User { id: 7 }));
/// }));
/// # let _ = authentication;
/// ```
pub trait Identify {
    /// Says who asks.
    fn identify(&self, principal: Principal);

    /// Says which claims were verified.
    fn claims(&self, claims: VerifiedClaims);

    /// Who asks, for a handler's guards: what was said with [`identify`](Self::identify), or what
    /// the layer's own [`authenticate`](crate::TenancyLayer::authenticate) found. Not to be asked
    /// before authentication, which would not be heard any more.
    fn principal(&self) -> Option<Principal>;
}

impl Identify for Request<'_> {
    fn identify(&self, principal: Principal) {
        self.local_cache(|| Some(principal));
    }

    fn claims(&self, claims: VerifiedClaims) {
        self.local_cache(|| Some(claims));
    }

    fn principal(&self) -> Option<Principal> {
        let found = Slot::of(self).principal();
        found.or_else(|| principal(self).cloned())
    }
}

pub(crate) fn principal<'r>(request: &'r Request<'_>) -> Option<&'r Principal> {
    request.local_cache(|| None).as_ref()
}

pub(crate) fn claims<'r>(request: &'r Request<'_>) -> Option<&'r VerifiedClaims> {
    request.local_cache(|| None).as_ref()
}
