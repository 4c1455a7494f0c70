//! A refusal in Poem's own types.

use poem::{Body, Response};
use tenancy_http::Refused;

/// [`Refused::response`], to the byte.
pub(crate) fn response(refused: Refused) -> Response {
    let (parts, body) = refused.response().into_parts();
    let mut response = Response::from(parts.status);
    *response.headers_mut() = parts.headers;
    response.set_body(Body::from_bytes(body));
    response
}
