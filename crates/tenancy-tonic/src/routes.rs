//! Services that say what they give access to.

use std::convert::Infallible;
use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use tenancy_core::BoxError;
use tenancy_http::Central;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::TenancyLayer;

/// Builds tonic's `Routes`, each of whose services is a tenant's, central, or open: there is no
/// way to leave it out.
///
/// ```
/// use tenancy_tonic::{Central, Routes, TenancyLayer};
/// # use tenancy_core::{MemoryStore, RequestView, Tenancy};
/// # struct User { is_administrator: bool }
/// # #[derive(Clone)] struct Server<const N: usize>;
/// # impl<const N: usize> tonic::server::NamedService for Server<N> {
/// #     const NAME: &'static str = ["notes.v1.Notes", "notes.v1.Administration", "grpc.health.v1.Health"][N];
/// # }
/// # impl<const N: usize> tower::Service<http::Request<tonic::body::Body>> for Server<N> {
/// #     type Response = http::Response<tonic::body::Body>;
/// #     type Error = std::convert::Infallible;
/// #     type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> { Ok(()).into() }
/// #     fn call(&mut self, _: http::Request<tonic::body::Body>) -> Self::Future { unreachable!() }
/// # }
/// # let (notes, administration, health) = (Server::<0>, Server::<1>, Server::<2>);
///
/// # let tenancy = Tenancy::builder(MemoryStore::default()).without_requests().build();
/// let administrators = |request: &dyn RequestView| {
///     request.principal_as::<User>().is_some_and(|user| user.is_administrator)
/// };
/// let routes = Routes::new(TenancyLayer::new(tenancy))
///     .tenant(notes) // `NotesServer::new(..)`, as tonic makes it
///     .central(
///         Central::because("the administrator counts notes", administrators),
///         administration,
///     )
///     .open(health)
///     .finish(); // for `Server::add_routes`; what authenticates goes into `Server::layer`
/// # let _ = routes;
/// ```
#[must_use = "nothing is served before `.finish()`"]
pub struct Routes {
    layer: TenancyLayer,
    routes: tonic::service::Routes,
}

impl Routes {
    /// No services yet; copies of `layer` go around what needs a scope.
    pub fn new(layer: TenancyLayer) -> Self {
        Self {
            layer,
            routes: tonic::service::Routes::default(),
        }
    }

    /// Serves `service` in the scope of the tenant that a call names.
    pub fn tenant<S, R>(self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<R>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let service = self.layer.layer(service);
        self.open(service)
    }

    /// Serves `service` in a central scope, to those whom `central` admits.
    pub fn central<S, R>(self, central: Central, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<R>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let service = self.layer.clone().central(central).layer(service);
        self.open(service)
    }

    /// Serves `service` to everybody, without any scope, and so without any tenant's data.
    pub fn open<S, R>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<R>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        self.routes = self.routes.add_service(service);
        self
    }

    /// The routes. What is added to them from here on says nothing of access and has no scope: a
    /// handler of it that asks for one answers `INTERNAL`.
    pub fn finish(self) -> tonic::service::Routes {
        self.routes
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}
