//! The layer.

use std::fmt;
use std::sync::Arc;

use rocket::{Request, Response, Route};
use tenancy_core::Tenancy;
use tenancy_http::{Access, Authenticate, Authentication, Central, HandedOver, Refused};

use crate::handler::ScopedHandler;
use crate::refusal;

/// What [`Routes`](crate::Routes) puts around each route that needs a scope: resolves, authorizes,
/// runs the handler and the response body in the scope, and closes it. A request without a valid
/// tenant never reaches the handler.
#[derive(Clone)]
#[must_use = "a layer does nothing until it is given to `Routes`"]
pub struct TenancyLayer {
    pub(crate) tenancy: Tenancy,
    pub(crate) access: Access,
    pub(crate) authentication: Authentication,
    pub(crate) transaction_per_request: bool,
    pub(crate) answer: Answer,
}

/// Makes the response to a request that was refused.
pub(crate) type Answer = Arc<dyn Fn(Refused, &Request<'_>) -> Response<'static> + Send + Sync>;

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
    /// Rocket shows a handler the request's headers as they came, the envelope too: forward none of
    /// them unseen. A layer made with [`new`](Self::new) does not look at envelopes.
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
    /// verified by `Jwt`, with the feature `jwt`. What it finds, handlers find with
    /// [`Identify::principal`](crate::Identify::principal). Where a fairing has identified the caller
    /// already, the application authenticates twice, and the request is an internal error.
    pub fn authenticate(mut self, authenticate: impl Authenticate) -> Self {
        self.authentication = Authentication::new(authenticate);
        self
    }

    /// Gives each request of a tenant's a transaction of its own, which the adapter pool's
    /// `request_transaction` begins at the first use and goes on with at the next. It is committed
    /// before an answer with a status below 400 goes out, and rolled back with any other, or a panic.
    /// Rocket runs a handler to its end also where its client has gone, and so that is saved as it
    /// answers. Where it can't be committed, the answer is that to [`Refused::NotSaved`]. It is over
    /// when the answer's head goes out, so what a body streams asks the pool for connections of its
    /// own. A fairing outside this one that makes a failure of a success comes too late. Central and
    /// open routes have none.
    ///
    /// An error that a catcher answers is rolled back, whatever the catcher says. Cookies that the
    /// handler has set are sent also where it was not saved.
    pub fn transaction_per_request(mut self) -> Self {
        self.transaction_per_request = true;
        self
    }

    /// Answers refusals with `answer` instead: to speak JSON, say, or the site's own pages. No
    /// catcher is asked.
    ///
    /// It sees the request, to choose a format, and a [`Refused`], which does not tell unknown,
    /// suspended and forbidden tenants apart.
    pub fn on_refusal<F>(mut self, answer: F) -> Self
    where
        F: Fn(Refused, &Request<'_>) -> Response<'static> + Send + Sync + 'static,
    {
        self.answer = Arc::new(answer);
        self
    }

    pub(crate) fn central(mut self, central: Central) -> Self {
        self.access = Access::Central(central);
        self
    }

    pub(crate) fn around(&self, mut route: Route) -> Route {
        route.handler = Box::new(ScopedHandler::new(route.handler, self.clone()));
        route
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
