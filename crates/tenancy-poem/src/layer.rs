//! The layer.

use std::fmt;
use std::sync::Arc;

use poem::{Endpoint, Middleware, Request, Response};
use tenancy_core::Tenancy;
use tenancy_http::{Access, Authenticate, Authentication, Central, HandedOver, Refused};

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
    pub(crate) authentication: Authentication,
    pub(crate) transaction_per_request: bool,
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
            authentication: Authentication::default(),
            transaction_per_request: false,
            answer: Arc::new(|refused, _| refusal::response(refused)),
        }
    }

    /// A layer that opens the scope that another service has handed over, in the header
    /// [`SCOPE_HEADER`](crate::SCOPE_HEADER), to this one of the name `service`: see [`NextService`](crate::NextService). A request without
    /// an envelope names no tenant, whatever its host or other headers say; with one, all that
    /// `tenancy`'s resolvers find must be of the same tenant. No membership is checked, for that was
    /// done where the scope was opened first; the tenant is looked up anew, and must be active.
    ///
    /// A layer made with [`new`](Self::new) does not look at envelopes.
    ///
    /// # Errors
    /// [`Error::Envelope`](tenancy_core::Error::Envelope) for a name that is not valid, or a
    /// `tenancy` without envelope keys.
    pub fn from_envelopes(tenancy: Tenancy, service: &str) -> Result<Self, tenancy_core::Error> {
        let handed_over = HandedOver::to(&tenancy, service)?;
        let mut layer = Self::new(tenancy);
        layer.access = Access::HandedOver(handed_over);
        Ok(layer)
    }

    /// Asks `authenticate` who asks, of every request and before the tenant is resolved: tokens are
    /// verified by `Jwt`, with the feature `jwt`. What it finds, handlers find as the request
    /// extensions [`Principal`](crate::Principal) and [`VerifiedClaims`](crate::VerifiedClaims). Where they are there already, the application
    /// authenticates twice, and the request is an internal error.
    pub fn authenticate(mut self, authenticate: impl Authenticate) -> Self {
        self.authentication = Authentication::new(authenticate);
        self
    }

    /// Gives each request of a tenant's a transaction of its own, which the adapter pool's
    /// `request_transaction` begins at the first use and goes on with at the next. It is committed
    /// before an answer with a status below 400 goes out, and rolled back with any other, or a panic.
    /// Over HTTP/1 Poem runs a handler to its end also where its client has gone, and so that is saved
    /// as it answers. Where it can't be committed, the answer is that to [`Refused::NotSaved`]. It is
    /// over when the answer's head goes out, so what a body streams asks the pool for connections of
    /// its own. A middleware outside this one that makes a failure of a success comes too late. Central
    /// and open routes have none.
    ///
    /// The mapper given to [`on_refusal`](Self::on_refusal) is shown the head of the request as it
    /// came, then: its handler has used it up. A gRPC call is answered with the status in its trailers:
    /// they wait for the commit.
    pub fn transaction_per_request(mut self) -> Self {
        self.transaction_per_request = true;
        self
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
            .field("authentication", &self.authentication)
            .field("transaction_per_request", &self.transaction_per_request)
            .finish_non_exhaustive()
    }
}
