//! The rejection of an extractor on a route without the layer.

use poem::Response;
use poem::error::ResponseError;
use poem::http::StatusCode;
use tenancy_http::Refused;

use crate::refusal;

/// A handler asked for a scope that is not open on its route. The client is told of an internal
/// error, the log what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this route's handler needs a scope that is not open on it: add the route with `Routes::tenant` (or `Routes::central` for a CentralScope), or put `.with(TenancyLayer::new(tenancy))` around it"
)]
pub struct MissingLayer;

impl ResponseError for MissingLayer {
    fn status(&self) -> StatusCode {
        Refused::Misconfigured.status()
    }

    fn as_response(&self) -> Response {
        tracing::error!("{self}");
        refusal::response(Refused::Misconfigured)
    }
}
