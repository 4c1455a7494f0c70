//! What a tenant may have, and what is said when it wants more.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use governor::Quota;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

/// What one tenant may have. Nothing is limited that is not said.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use tenancy_tower::Limits;
///
/// let hundred = NonZeroU32::new(100).unwrap();
/// // 100 in one go, then one more every 600 ms; never more than 20 at a time.
/// let plan = Limits::none().rate(hundred, Duration::from_mins(1)).at_once(20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "limits limit nothing until a `LimitLayer` is given them"]
pub struct Limits {
    pub(super) quota: Option<Quota>,
    pub(super) at_once: Option<usize>,
}

impl Limits {
    /// No limits.
    pub const fn none() -> Self {
        Self {
            quota: None,
            at_once: None,
        }
    }

    /// At most `requests` in each `per`. All of them may come in one go; they are given back one by
    /// one, evenly. A `per` under a nanosecond for each request is no limit that can be kept: it is
    /// taken as one nanosecond.
    pub fn rate(mut self, requests: NonZeroU32, per: Duration) -> Self {
        let each = (per / requests.get()).max(Duration::from_nanos(1));
        self.quota = Quota::with_period(each).map(|quota| quota.allow_burst(requests));
        self
    }

    /// At most `requests` at a time, each until its response body has ended or is dropped.
    pub fn at_once(mut self, requests: usize) -> Self {
        self.at_once = Some(requests);
        self
    }
}

/// Why a request of a tenant was answered without its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limited {
    /// 429: too many requests in a time.
    Rate {
        /// When the next one would be let through.
        retry_after: Duration,
    },
    /// 429 too, and not 503: it is this tenant's own doing, and a proxy that counts a server's 5xx
    /// would take the whole instance away from all the others.
    AtOnce,
}

impl Limited {
    /// The default response: a line of plain text, not to be cached, with `Retry-After` in whole
    /// seconds, 1 at least.
    pub fn response(self) -> Response<Bytes> {
        let (text, seconds) = match self {
            Self::Rate { retry_after } => {
                let begun = u64::from(retry_after.subsec_nanos() > 0);
                let seconds = retry_after.as_secs().saturating_add(begun).max(1);
                ("too many requests\n", seconds)
            }
            Self::AtOnce => ("too many requests at once\n", 1),
        };
        let mut response = Response::new(Bytes::from_static(text.as_bytes()));
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        response
    }
}
