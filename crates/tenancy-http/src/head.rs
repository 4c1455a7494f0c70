//! A request's head, as resolvers and the membership check see it.

use std::any::Any;

use tenancy_core::RequestView;

use crate::{Principal, VerifiedClaims};

/// A request's head, put together from what a framework knows of it.
#[derive(Debug)]
pub struct Head<'a, H: ?Sized> {
    /// The headers, all of them.
    pub headers: &'a H,
    /// The authority of the URI as it was sent; never the `Host` header.
    pub authority: Option<&'a str>,
    /// The path as it was sent: whole, not decoded, not normalised.
    pub path: &'a str,
    /// The method by which it is routed, as it is written: `GET`.
    pub method: &'a str,
    /// What the application's authentication has verified.
    pub claims: Option<&'a VerifiedClaims>,
    /// Who asks, as the application's authentication found.
    pub principal: Option<&'a Principal>,
}

/// The headers of a framework's request.
pub trait Headers: Sync {
    /// Every value of the header with this name, in lower case; in order and unjoined.
    fn values(&self, name: &str) -> Vec<&[u8]>;
}

impl Headers for http::HeaderMap {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        let values = self.get_all(name).iter();
        values.map(http::HeaderValue::as_bytes).collect()
    }
}

impl<H: Headers + ?Sized> RequestView for Head<'_, H> {
    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        self.headers.values(name)
    }

    fn authority(&self) -> Option<&str> {
        self.authority
    }

    fn path(&self) -> &str {
        self.path
    }

    fn only_reads(&self) -> bool {
        // `TRACE` asks for no tenant's data.
        matches!(self.method, "GET" | "HEAD" | "OPTIONS")
    }

    fn claim(&self, name: &str) -> Option<&str> {
        self.claims?.get(name)
    }

    fn principal(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.principal.map(Principal::as_any)
    }
}
