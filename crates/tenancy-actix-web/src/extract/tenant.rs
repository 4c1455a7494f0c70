//! The tenant of the request.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::{MissingLayer, open_scope};

/// The request's tenant, as the store knew it when the scope was opened. Derefs to core's
/// [`Tenant`](tenancy_core::Tenant). It opens nothing: for data, ask for a
/// [`TenantScope`](super::TenantScope) or [`Scoped`](super::Scoped).
///
/// ```
/// use tenancy_actix_web::Tenant;
///
/// async fn greeting(tenant: Tenant) -> String {
///     format!("hello, {}", tenant.id())
/// }
/// # let _: actix_web::Route = actix_web::web::get().to(greeting);
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

impl FromRequest for Tenant {
    type Error = MissingLayer;
    type Future = Ready<Result<Self, MissingLayer>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(open_scope(request).map(|scope| Self(scope.tenant().clone())))
    }
}
