//! The scope of the request.

use std::ops::Deref;

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::{MissingLayer, guarded, has_no_routes, open_scope};

/// The request's scope: what adapters want to see before they hand out a connection.
///
/// It derefs to core's [`TenantScope`](tenancy_core::TenantScope), and is a ticket: after the
/// request and its response body have ended it opens nothing. Rocket makes an `Option<TenantScope>`
/// of every guard: it is `None` on an open route, where there is no tenant's data either.
///
/// ```
/// use rocket::get;
/// use tenancy_rocket::TenantScope;
///
/// #[get("/whoami")]
/// fn whoami(scope: TenantScope) -> String {
///     scope.tenant_id().to_string()
/// }
/// # let _ = rocket::routes![whoami];
/// ```
#[derive(Debug)]
pub struct TenantScope(tenancy_core::TenantScope);

impl TenantScope {
    /// Core's own type, for code that takes it by value.
    pub fn into_inner(self) -> tenancy_core::TenantScope {
        self.0
    }
}

impl Deref for TenantScope {
    type Target = tenancy_core::TenantScope;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for TenantScope {
    type Error = MissingLayer;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, MissingLayer> {
        guarded(open_scope(request).map(Self))
    }
}

/// Stops the launch where nobody opens scopes.
impl Sentinel for TenantScope {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        has_no_routes(rocket)
    }
}
