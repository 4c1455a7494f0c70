//! A request's head, as resolvers and the membership check see it.

use rocket::http::HeaderMap;
use tenancy_http::Headers;

/// Rocket's headers are of its own kind.
pub(crate) struct RocketHeaders<'a>(pub(crate) &'a HeaderMap<'a>);

impl Headers for RocketHeaders<'_> {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        self.0.get(name).map(str::as_bytes).collect()
    }
}
