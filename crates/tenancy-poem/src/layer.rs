//! The layer.

use std::fmt;
use std::sync::Arc;

use poem::{Endpoint, Middleware, Request, Response};
use tenancy_core::Tenancy;
use tenancy_http::{Access, Central, Refused};

use crate::{TenancyEndpoint, refusal};

/// Opens the tenant's scope around every request: resolves, authorizes, runs the handler and the
/// response body in it, and closes it. A request without a valid tenant never reaches the handler.
///
/// ```
/// use poem::{EndpointExt as _, Request, Route, get, handler};
/// use tenancy_core::{BoxError, Header, RequestView, Tenancy, TenantId};
/// use tenancy_poem::{Principal, TenancyLayer, TenantScope};
///
/// # let store = tenancy_core::MemoryStore::default();
/// struct User { tenant: TenantId }
///
/// #[handler]
/// async fn whoami(scope: TenantScope) -> String { scope.tenant_id().to_string() }
///
/// let tenancy = Tenancy::builder(store)
///     .resolve(Header::named("x-tenant-id"))
///     .authorize(|tenant: &TenantId, request: &dyn RequestView| {
///         // What authentication, a middleware outside this one, gave as `Principal::new(user)`.
///         let user = request.principal_as::<User>();
///         let own = user.is_some_and(|user| user.tenant == *tenant);
///         async move { Ok::<_, BoxError>(own) }
///     })
///     .build();
/// let app = Route::new()
///     .at("/whoami", get(whoami))
///     .with(TenancyLayer::new(tenancy))
///     .before(|mut request: Request| async move { // added last, so it runs first
///         // Check the session here; what it says about the caller goes on as the principal.
///         # let user = User { tenant: TenantId::new("acme").unwrap() };
///         request.extensions_mut().insert(Principal::new(user));
///         Ok(request)
///     });
/// # let _ = app;
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put around an endpoint"]
pub struct TenancyLayer {
    pub(crate) tenancy: Tenancy,
    pub(crate) access: Access,
    pub(crate) answer: Answer,
}

/// Makes the response to a request that was refused.
pub(crate) type Answer = Arc<dyn Fn(Refused, &Request) -> Response + Send + Sync>;

impl TenancyLayer {
    /// A layer that opens scopes of `tenancy`, and answers refusals with
    /// [`Refused::response`].
    pub fn new(tenancy: Tenancy) -> Self {
        Self {
            tenancy,
            access: Access::Tenant,
            answer: Arc::new(|refused, _| refusal::response(refused)),
        }
    }

    /// The same layer for central routes: it asks `central` who may enter, and opens a central
    /// scope instead of a tenant's.
    pub fn central(mut self, central: Central) -> Self {
        self.access = Access::Central(central);
        self
    }

    /// Answers refusals with `answer` instead: to speak JSON, say, or the site's own pages.
    ///
    /// It sees the request, to choose a format, and a [`Refused`], which does not tell unknown,
    /// suspended and forbidden tenants apart.
    pub fn on_refusal<F>(mut self, answer: F) -> Self
    where
        F: Fn(Refused, &Request) -> Response + Send + Sync + 'static,
    {
        self.answer = Arc::new(answer);
        self
    }
}

impl<E: Endpoint> Middleware<E> for TenancyLayer {
    type Output = TenancyEndpoint<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        TenancyEndpoint::new(endpoint, self.clone())
    }
}

impl fmt::Debug for TenancyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenancyLayer")
            .field("tenancy", &self.tenancy)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}
