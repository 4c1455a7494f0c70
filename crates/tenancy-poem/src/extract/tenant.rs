//! The tenant of the request.

use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody, Result};

use super::open_scope;

/// The request's tenant, as the store knew it when the scope was opened. Derefs to core's
/// [`Tenant`](tenancy_core::Tenant). It opens nothing: for data, ask for a
/// [`TenantScope`](super::TenantScope) or [`Scoped`](super::Scoped).
///
/// ```
/// use tenancy_poem::Tenant;
///
/// #[poem::handler]
/// async fn greeting(tenant: Tenant) -> String {
///     format!("hello, {}", tenant.id())
/// }
/// # let _ = poem::get(greeting);
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

impl<'a> FromRequest<'a> for Tenant {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self(open_scope(request)?.tenant().clone()))
    }
}
