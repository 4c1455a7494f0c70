//! A request's head, as resolvers and the membership check see it.

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use tenancy_http::{Head, Principal, VerifiedClaims};

pub(crate) fn head(parts: &Parts) -> Head<'_, HeaderMap> {
    let uri = uri(parts);
    Head {
        headers: &parts.headers,
        authority: uri.authority().map(Authority::as_str),
        path: uri.path(),
        method: parts.method.as_str(),
        claims: parts.extensions.get::<VerifiedClaims>(),
        principal: parts.extensions.get::<Principal>(),
    }
}

/// The URI as it was sent, also inside a nested axum router, which cuts off its prefix.
fn uri(parts: &Parts) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = parts.extensions.get::<axum::extract::OriginalUri>() {
        return original;
    }
    &parts.uri
}
