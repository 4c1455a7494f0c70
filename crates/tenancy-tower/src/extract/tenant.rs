//! The tenant of the request.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{MissingLayer, open_scope};

/// The request's tenant, as the store knew it when the scope was opened. Derefs to core's
/// [`Tenant`](tenancy_core::Tenant). It opens nothing: for data, ask for a
/// [`TenantScope`](super::TenantScope) or [`Scoped`](super::Scoped).
///
/// ```
/// use tenancy_tower::Tenant;
///
/// async fn greeting(tenant: Tenant) -> String {
///     format!("hello, {}", tenant.id())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(greeting));
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

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        Ok(Self(open_scope(parts)?.tenant().clone()))
    }
}
