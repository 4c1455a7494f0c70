//! A refusal in Actix Web's own types.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use tenancy_http::Refused;

/// [`Refused::response`], to the byte.
pub(crate) fn response(refused: Refused) -> HttpResponse {
    let (parts, body) = refused.response().into_parts();
    // The same number is a status there as here.
    let status =
        StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        response.insert_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
}
