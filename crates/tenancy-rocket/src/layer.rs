//! The layer.

use std::fmt;
use std::sync::Arc;

use rocket::{Request, Response, Route};
use tenancy_core::Tenancy;
use tenancy_http::{Access, Central, Refused};

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
            answer: Arc::new(|refused, _| refusal::response(refused)),
        }
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
            .finish_non_exhaustive()
    }
}
