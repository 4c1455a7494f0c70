//! The central scope of a request on a central route.

use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody, Result};
use tenancy_http::Ticket;

use super::MissingLayer;

/// The central scope of a request on a central route: what adapters want to see before they hand
/// out a central connection. Derefs to core's [`CentralScope`](tenancy_core::CentralScope), and is
/// a ticket: after the request and its response body have ended it opens nothing.
///
/// ```
/// use tenancy_poem::CentralScope;
///
/// #[poem::handler]
/// async fn why(scope: CentralScope) -> String {
///     scope.reason().to_owned()
/// }
/// # let _ = poem::get(why);
/// ```
#[derive(Debug)]
pub struct CentralScope(tenancy_core::CentralScope);

impl Deref for CentralScope {
    type Target = tenancy_core::CentralScope;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> FromRequest<'a> for CentralScope {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let scope = request
            .extensions()
            .get::<Ticket>()
            .and_then(Ticket::central);
        Ok(Self(scope.ok_or(MissingLayer)?.ticket()))
    }
}
