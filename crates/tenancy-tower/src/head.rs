//! A request's head, as resolvers and the membership check see it.

use std::any::Any;

use http::request::Parts;
use tenancy_core::RequestView;

use crate::{Principal, VerifiedClaims};

pub(crate) struct Head<'a>(pub(crate) &'a Parts);

impl Head<'_> {
    /// The URI as it was sent, also inside a nested axum router, which cuts off its prefix.
    fn uri(&self) -> &http::Uri {
        #[cfg(feature = "axum")]
        if let Some(original) = self.0.extensions.get::<axum::extract::OriginalUri>() {
            return original;
        }
        &self.0.uri
    }
}

impl RequestView for Head<'_> {
    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        self.0
            .headers
            .get_all(name)
            .iter()
            .map(http::HeaderValue::as_bytes)
            .collect()
    }

    fn authority(&self) -> Option<&str> {
        self.uri().authority().map(http::uri::Authority::as_str)
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn claim(&self, name: &str) -> Option<&str> {
        self.0.extensions.get::<VerifiedClaims>()?.get(name)
    }

    fn principal(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.0.extensions.get::<Principal>().map(Principal::as_any)
    }
}
