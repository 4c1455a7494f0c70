//! The scope of the request.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{MissingLayer, open_scope};

/// The request's scope: what adapters want to see before they hand out a connection.
///
/// It derefs to core's [`TenantScope`](tenancy_core::TenantScope), and is a ticket: after the
/// request and its response body have ended it opens nothing. There is no `Option<TenantScope>`:
/// a handler that would serve without a scope belongs on a router without the layer.
///
/// ```
/// use axum::{Router, extract::Request, middleware::{Next, from_fn}, response::Response, routing::get};
/// use tenancy_core::{BoxError, Error, RequestView, Subdomain, Tenancy, TenantId};
/// use tenancy_tower::{Principal, TenancyLayer, TenantScope};
///
/// struct User { tenants: Vec<TenantId> }
///
/// async fn authenticate(mut request: Request, next: Next) -> Response {
///     // Check the session here; what it says about the caller goes on as the principal.
///     let user = User { tenants: vec![] };
///     request.extensions_mut().insert(Principal::new(user));
///     next.run(request).await
/// }
///
/// async fn whoami(scope: TenantScope) -> String {
///     scope.tenant_id().to_string()
/// }
///
/// # let store = tenancy_core::MemoryStore::default();
/// let tenancy = Tenancy::builder(store)
///     .resolve(Subdomain::of("example.com"))
///     .authorize(|tenant: &TenantId, request: &dyn RequestView| {
///         let user = request.principal_as::<User>();
///         let member = user.is_some_and(|user| user.tenants.contains(tenant));
///         async move { Ok::<_, BoxError>(member) }
///     })
///     .build();
/// let app: Router = Router::new()
///     .route("/whoami", get(whoami))
///     .layer(TenancyLayer::new(tenancy)) // around the routes above
///     .layer(from_fn(authenticate)); // around the layer above
/// # let _ = app;
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

impl<S: Sync> FromRequestParts<S> for TenantScope {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        Ok(Self(open_scope(parts)?.ticket()))
    }
}
