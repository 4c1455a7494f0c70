//! The scope of the request.

use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody, Result};

use super::open_scope;

/// The request's scope: what adapters want to see before they hand out a connection.
///
/// It derefs to core's [`TenantScope`](tenancy_core::TenantScope), and is a ticket: after the
/// request and its response body have ended it opens nothing. Poem makes an
/// `Option<TenantScope>` of every extractor: it is `None` on a route without the layer, where there
/// is no tenant's data either.
///
/// ```
/// use tenancy_poem::TenantScope;
///
/// #[poem::handler]
/// async fn whoami(scope: TenantScope) -> String {
///     scope.tenant_id().to_string()
/// }
/// # let _ = poem::get(whoami);
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

impl<'a> FromRequest<'a> for TenantScope {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self(open_scope(request)?))
    }
}
