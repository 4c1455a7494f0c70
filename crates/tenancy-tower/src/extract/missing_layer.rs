//! The rejection of an extractor on a route without the layer.

use axum::body::Body;
use axum::response::{IntoResponse, Response};

use tenancy_http::Refused;

/// A handler asked for its tenant's scope, and no [`TenancyLayer`](crate::TenancyLayer) is around
/// its route. The client is told of an internal error, the log what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this route's handler needs a tenant's scope, and no TenancyLayer is around the route: add `.layer(TenancyLayer::new(tenancy))` to its router, after the route was added"
)]
pub struct MissingLayer;

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        Refused::Misconfigured.response().map(Body::from)
    }
}
