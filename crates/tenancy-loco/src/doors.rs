//! Which layer is around which route.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use tenancy_tower::TenancyLayer;
use tower::ServiceExt as _;
use tower_layer::Layer;
use tower_service::Service;

use crate::access::Access;

/// A layer around all routes, which goes by the one that was matched. axum says which it was: what
/// the request's path looks like decides nothing here.
#[derive(Clone)]
pub(crate) struct Doors(Arc<HashMap<String, Door>>);

/// `None`: open.
type Door = Option<TenancyLayer>;

impl Doors {
    pub(crate) fn new(layer: &TenancyLayer, accesses: HashMap<String, Access>) -> Self {
        let door = |access| match access {
            Access::Tenant => Some(layer.clone()),
            Access::Central(central) => Some(layer.clone().central(central)),
            Access::Open => None,
        };
        let doors = accesses.into_iter();
        Self(Arc::new(
            doors.map(|(path, access)| (path, door(access))).collect(),
        ))
    }
}

impl<S> Layer<S> for Doors {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            doors: self.clone(),
        }
    }
}

/// Routes behind their doors.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    doors: Doors,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A copy is asked, below.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let matched = request.extensions().get::<MatchedPath>();
        let door = matched.and_then(|path| self.doors.0.get(path.as_str()));
        let inner = self.inner.clone();
        match door.cloned().flatten() {
            // What isn't among the application's own routes has no scope, and so no tenant's data.
            None => Box::pin(inner.oneshot(request)),
            Some(layer) => Box::pin(async move {
                let served = layer.layer(inner).oneshot(request).await;
                Ok(served.into_response().map(Body::new))
            }),
        }
    }
}
