//! The central scope of a request on a central route.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tenancy_http::Ticket;

use super::MissingLayer;

/// The central scope of a request on a central route: what adapters want to see before they hand
/// out a central connection. Derefs to core's [`CentralScope`](tenancy_core::CentralScope), and is
/// a ticket: after the request and its response body have ended it opens nothing.
///
/// ```
/// use tenancy_tower::CentralScope;
///
/// async fn why(scope: CentralScope) -> String {
///     scope.reason().to_owned()
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(why));
/// ```
#[derive(Debug)]
pub struct CentralScope(tenancy_core::CentralScope);

impl Deref for CentralScope {
    type Target = tenancy_core::CentralScope;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for CentralScope {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        let scope = parts.extensions.get::<Ticket>().and_then(Ticket::central);
        scope.map(|scope| Self(scope.ticket())).ok_or(MissingLayer)
    }
}
