//! The service that [`TenancyLayer`](crate::TenancyLayer) makes.

use std::fmt;
use std::task::{Context, Poll};

use tonic::server::NamedService;
use tower_service::Service;

/// Serves each call in the scope of its tenant. Made by [`TenancyLayer`](crate::TenancyLayer).
///
/// It has the name of the service inside, so that tonic's server takes it in that one's place.
#[derive(Clone)]
pub struct TenancyService<S>(tenancy_tower::TenancyService<S>);

impl<S> TenancyService<S> {
    pub(crate) fn new(service: tenancy_tower::TenancyService<S>) -> Self {
        Self(service)
    }
}

impl<S, R> Service<R> for TenancyService<S>
where
    tenancy_tower::TenancyService<S>: Service<R>,
{
    type Response = <tenancy_tower::TenancyService<S> as Service<R>>::Response;
    type Error = <tenancy_tower::TenancyService<S> as Service<R>>::Error;
    type Future = <tenancy_tower::TenancyService<S> as Service<R>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.0.call(request)
    }
}

impl<S: NamedService> NamedService for TenancyService<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: fmt::Debug> fmt::Debug for TenancyService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
