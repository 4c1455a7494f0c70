//! The tenant of the request.

use std::ops::Deref;

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::{MissingLayer, guarded, has_no_routes, open_scope};

/// The request's tenant, as the store knew it when the scope was opened. Derefs to core's
/// [`Tenant`](tenancy_core::Tenant). It opens nothing: for data, ask for a
/// [`TenantScope`](super::TenantScope) or [`Scoped`](super::Scoped).
///
/// ```
/// use rocket::get;
/// use tenancy_rocket::Tenant;
///
/// #[get("/")]
/// fn greeting(tenant: Tenant) -> String {
///     format!("hello, {}", tenant.id())
/// }
/// # let _ = rocket::routes![greeting];
/// ```
#[derive(Debug, Clone)]
pub struct Tenant(tenancy_core::Tenant);

impl Tenant {
    /// Core's own type.
    pub fn into_inner(self) -> tenancy_core::Tenant {
        self.0
    }
}

impl Deref for Tenant {
    type Target = tenancy_core::Tenant;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Tenant {
    type Error = MissingLayer;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, MissingLayer> {
        guarded(open_scope(request).map(|scope| Self(scope.tenant().clone())))
    }
}

/// Stops the launch where nobody opens scopes.
impl Sentinel for Tenant {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        has_no_routes(rocket)
    }
}
