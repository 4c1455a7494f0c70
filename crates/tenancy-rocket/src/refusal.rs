//! A refusal in Rocket's own types.

use std::io::Cursor;

use rocket::Response;
use rocket::http::Status;
use tenancy_http::Refused;

/// [`Refused::response`], with nothing changed.
pub(crate) fn response(refused: Refused) -> Response<'static> {
    let (parts, body) = refused.response().into_parts();
    let mut response = Response::build();
    response.status(status(refused));
    for (name, value) in &parts.headers {
        // What a refusal says of itself is plain text.
        if let Ok(value) = value.to_str() {
            response.raw_header(name.as_str().to_owned(), value.to_owned());
        }
    }
    response
        .sized_body(body.len(), Cursor::new(body))
        .finalize()
}

pub(crate) fn status(refused: Refused) -> Status {
    Status::new(refused.status().as_u16())
}
