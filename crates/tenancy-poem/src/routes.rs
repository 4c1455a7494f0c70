//! Routes that say what they give access to.

use poem::{EndpointExt as _, IntoEndpoint, Route};
use tenancy_http::Central;

use crate::TenancyLayer;

/// Builds a `Route` each of whose paths is a tenant's, central, or open: there is no way to leave
/// it out.
///
/// ```
/// use poem::{get, handler};
/// use tenancy_poem::{Central, Routes, TenancyLayer, TenantScope};
/// # use tenancy_core::{MemoryStore, RequestView, Tenancy};
/// # struct User { is_administrator: bool }
///
/// #[handler] async fn list(scope: TenantScope) -> String { scope.tenant_id().to_string() }
/// #[handler] async fn count() -> String { String::new() }
/// #[handler] async fn health() -> &'static str { "ok" }
///
/// # let tenancy = Tenancy::builder(MemoryStore::default()).without_requests().build();
/// let administrators = |request: &dyn RequestView| {
///     request.principal_as::<User>().is_some_and(|user| user.is_administrator)
/// };
/// let app = Routes::new(TenancyLayer::new(tenancy))
///     .tenant("/notes", get(list))
///     .central(
///         "/admin/count",
///         Central::because("the administrator counts notes", administrators),
///         get(count),
///     )
///     .open("/health", get(health))
///     .finish(); // and put `.with(..)` what authenticates around it
/// # let _ = app;
/// ```
#[must_use = "nothing is served before `.finish()`"]
pub struct Routes {
    layer: TenancyLayer,
    route: Route,
}

impl Routes {
    /// No routes yet; copies of `layer` go around what needs a scope.
    pub fn new(layer: TenancyLayer) -> Self {
        Self {
            layer,
            route: Route::new(),
        }
    }

    /// Serves `path` in the scope of the tenant that a request names.
    pub fn tenant<E>(self, path: &str, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        let layer = self.layer.clone();
        self.add(path, endpoint.into_endpoint().with(layer))
    }

    /// Serves `path` in a central scope, to those whom `central` admits.
    pub fn central<E>(self, path: &str, central: Central, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        let layer = self.layer.clone().central(central);
        self.add(path, endpoint.into_endpoint().with(layer))
    }

    /// Serves `path` to everybody, without any scope, and so without any tenant's data.
    pub fn open<E>(self, path: &str, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.add(path, endpoint)
    }

    /// The routes. What is added to them from here on says nothing of access and has no scope: a
    /// handler on it that asks for one answers 500.
    pub fn finish(self) -> Route {
        self.route
    }

    fn add<E>(mut self, path: &str, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.route = self.route.at(path, endpoint);
        self
    }
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes")
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}
