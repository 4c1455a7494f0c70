//! The central scope of a request on a central route.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use tenancy_http::Ticket;

use super::MissingLayer;

/// The central scope of a request on a central route: what adapters want to see before they hand
/// out a central connection. Derefs to core's [`CentralScope`](tenancy_core::CentralScope), and is
/// a ticket: after the request and its response body have ended it opens nothing.
///
/// ```
/// use tenancy_actix_web::CentralScope;
///
/// async fn why(scope: CentralScope) -> String {
///     scope.reason().to_owned()
/// }
/// # let _: actix_web::Route = actix_web::web::get().to(why);
/// ```
#[derive(Debug)]
pub struct CentralScope(tenancy_core::CentralScope);

impl Deref for CentralScope {
    type Target = tenancy_core::CentralScope;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromRequest for CentralScope {
    type Error = MissingLayer;
    type Future = Ready<Result<Self, MissingLayer>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let scope = extensions.get::<Ticket>().and_then(Ticket::central);
        ready(scope.map(|scope| Self(scope.ticket())).ok_or(MissingLayer))
    }
}
