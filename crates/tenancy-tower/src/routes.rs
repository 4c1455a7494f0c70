//! Routes that say what they give access to.

use std::convert::Infallible;
use std::fmt;

use axum::Router;
use axum::routing::MethodRouter;
use tenancy_http::Central;

use crate::TenancyLayer;

/// Builds a router each of whose routes is a tenant's, central, or open: there is no way to leave
/// it out.
///
/// ```
/// use axum::{Router, routing::get};
/// use tenancy_tower::{Central, Routes, TenancyLayer, TenantScope};
/// # use tenancy_core::{MemoryStore, RequestView, Tenancy};
/// # struct User { is_administrator: bool }
///
/// async fn list(scope: TenantScope) -> String { scope.tenant_id().to_string() }
/// async fn count() -> String { String::new() }
/// async fn health() -> &'static str { "ok" }
///
/// # let tenancy = Tenancy::builder(MemoryStore::default()).without_requests().build();
/// let administrators = |request: &dyn RequestView| {
///     request.principal_as::<User>().is_some_and(|user| user.is_administrator)
/// };
/// let app: Router = Routes::new(TenancyLayer::new(tenancy))
///     .tenant("/notes", get(list))
///     .central(
///         "/admin/count",
///         Central::because("the administrator counts notes", administrators),
///         get(count),
///     )
///     .open("/health", get(health))
///     .finish(); // and `.layer(..)` what authenticates around it
/// # let _ = app;
/// ```
#[must_use = "nothing is served before `.finish()`"]
pub struct Routes<S = ()> {
    layer: TenancyLayer,
    router: Router<S>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet; copies of `layer` go around what needs a scope.
    pub fn new(layer: TenancyLayer) -> Self {
        Self {
            layer,
            router: Router::new(),
        }
    }

    /// Serves `path` in the scope of the tenant that a request names.
    pub fn tenant(self, path: &str, methods: MethodRouter<S, Infallible>) -> Self {
        let layer = self.layer.clone();
        self.add(path, methods.layer(layer))
    }

    /// Serves `path` in a central scope, to those whom `central` admits.
    pub fn central(
        self,
        path: &str,
        central: Central,
        methods: MethodRouter<S, Infallible>,
    ) -> Self {
        let layer = self.layer.clone().central(central);
        self.add(path, methods.layer(layer))
    }

    /// Serves `path` to everybody, without any scope, and so without any tenant's data.
    pub fn open(self, path: &str, methods: MethodRouter<S, Infallible>) -> Self {
        self.add(path, methods)
    }

    /// The router. What is added to it from here on says nothing of access and has no scope: a
    /// handler on it that asks for one answers 500.
    pub fn finish(self) -> Router<S> {
        self.router
    }

    fn add(mut self, path: &str, methods: MethodRouter<S, Infallible>) -> Self {
        self.router = self.router.route(path, methods);
        self
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}
