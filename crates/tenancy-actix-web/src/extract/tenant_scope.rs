//! The scope of the request.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::{MissingLayer, open_scope};

/// The request's scope: what adapters want to see before they hand out a connection.
///
/// It derefs to core's [`TenantScope`](tenancy_core::TenantScope), and is a ticket: after the
/// request and its response body have ended it opens nothing. Actix Web makes an
/// `Option<TenantScope>` of every extractor: it is `None` on a route without the layer, where there
/// is no tenant's data either.
///
/// ```
/// use tenancy_actix_web::TenantScope;
///
/// async fn whoami(scope: TenantScope) -> String {
///     scope.tenant_id().to_string()
/// }
/// # let _: actix_web::Route = actix_web::web::get().to(whoami);
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

impl FromRequest for TenantScope {
    type Error = MissingLayer;
    type Future = Ready<Result<Self, MissingLayer>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(open_scope(request).map(Self))
    }
}
