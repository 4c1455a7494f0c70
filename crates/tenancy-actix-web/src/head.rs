//! A request's head, as resolvers and the membership check see it.

use actix_web::http::header::{HeaderMap, HeaderValue};
use tenancy_http::Headers;

/// Actix Web's headers are of its own kind.
pub(crate) struct ActixHeaders<'a>(pub(crate) &'a HeaderMap);

impl Headers for ActixHeaders<'_> {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        self.0.get_all(name).map(HeaderValue::as_bytes).collect()
    }
}
