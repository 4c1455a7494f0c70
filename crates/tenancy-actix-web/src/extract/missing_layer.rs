//! The rejection of an extractor on a route without the layer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use tenancy_http::Refused;

use crate::refusal;

/// A handler asked for a scope that is not open on its route. The client is told of an internal
/// error, the log what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this route's handler needs a scope that is not open on it: add the route with `Routes::tenant` (or `Routes::central` for a CentralScope), or wrap its scope in `TenancyLayer::new(tenancy)`"
)]
pub struct MissingLayer;

impl ResponseError for MissingLayer {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        tracing::error!("{self}");
        refusal::response(Refused::Misconfigured)
    }
}
