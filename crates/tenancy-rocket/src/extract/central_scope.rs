//! The central scope of a request on a central route.

use std::ops::Deref;

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};
use tenancy_http::Ticket;

use super::{MissingLayer, guarded, has_no_routes};
use crate::slot::Slot;

/// The central scope of a request on a central route: what adapters want to see before they hand
/// out a central connection. Derefs to core's [`CentralScope`](tenancy_core::CentralScope), and is
/// a ticket: after the request and its response body have ended it opens nothing.
///
/// ```
/// use rocket::get;
/// use tenancy_rocket::CentralScope;
///
/// #[get("/why")]
/// fn why(scope: CentralScope) -> String {
///     scope.reason().to_owned()
/// }
/// # let _ = rocket::routes![why];
/// ```
#[derive(Debug)]
pub struct CentralScope(tenancy_core::CentralScope);

impl Deref for CentralScope {
    type Target = tenancy_core::CentralScope;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for CentralScope {
    type Error = MissingLayer;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, MissingLayer> {
        let ticket = Slot::of(request).ticket();
        let scope = ticket.as_ref().and_then(Ticket::central);
        guarded(scope.map(|scope| Self(scope.ticket())).ok_or(MissingLayer))
    }
}

/// Stops the launch where nobody opens scopes.
impl Sentinel for CentralScope {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        has_no_routes(rocket)
    }
}
