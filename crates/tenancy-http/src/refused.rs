//! What a client is told when no scope was opened.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use tenancy_core::{EnvelopeError, Error};

use crate::RetryAfter;

/// Why a request was not answered by its handler: as much as the outside may know.
///
/// A tenant that is unknown, one that is suspended, and one that isn't the caller's are all
/// [`NotFound`](Self::NotFound), and nothing finer reaches a mapper given to an integration's
/// `on_refusal`: whatever a mapper does, these three look the same. The cause is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// 400: the request names no tenant, more than one, or one in a form that isn't allowed.
    NoTenant,
    /// 404: there is nothing here for this caller.
    NotFound,
    /// 503 with `Retry-After`: the tenant is in maintenance, or it is read-only and the request may
    /// write. Only the tenant's members are told. Not 403 or 405: the request is right, and may be
    /// sent again.
    Unavailable {
        /// Whether the tenant's data may be read meanwhile.
        read_only: bool,
        /// When to come again.
        retry_after: RetryAfter,
    },
    /// 503: the store, the membership check or a bootstrapper failed. Nobody was let in.
    TryLater,
    /// 500: the handler answered with a success, and the request's transaction could not be
    /// committed. The log says whether nothing is saved, or whether that isn't known.
    NotSaved,
    /// 500: the application is put together wrongly; its log says how.
    Misconfigured,
}

impl Refused {
    /// What the outside may know of `error`.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Resolution(_) | Error::InvalidTenantId(_) => Self::NoTenant,
            Error::Refused(_) => Self::NotFound,
            // Wrong with what was sent, and not with the program itself.
            Error::Envelope(error)
                if !matches!(error, EnvelopeError::NoKeys | EnvelopeError::Clock) =>
            {
                Self::NotFound
            }
            Error::Unavailable(unavailable) => Self::Unavailable {
                read_only: unavailable.is_read_only(),
                retry_after: RetryAfter::of(unavailable),
            },
            Error::Store(_) | Error::Membership(_) | Error::Bootstrap { .. } => Self::TryLater,
            _ => Self::Misconfigured,
        }
    }

    /// Whether an answer with this status may stand for it. What was not saved is not to look like a
    /// success, whatever a mapper makes of refusals.
    pub fn allows(self, status: u16) -> bool {
        let allowed = self != Self::NotSaved || status >= 400;
        if !allowed {
            tracing::error!(
                "the mapper given to `on_refusal` made a success of `Refused::NotSaved`: give it a status from 400 on"
            );
        }
        allowed
    }

    /// The status of the default response.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoTenant => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unavailable { .. } | Self::TryLater => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotSaved | Self::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The text of the default response: the same for every request.
    pub fn message(self) -> &'static str {
        match self {
            Self::NoTenant => "this request does not name one tenant\n",
            Self::NotFound => "not found\n",
            Self::Unavailable {
                read_only: true, ..
            } => "read-only for now, come again later\n",
            Self::Unavailable { .. } => "in maintenance, come again later\n",
            Self::TryLater => "temporarily unavailable\n",
            Self::NotSaved | Self::Misconfigured => "internal error\n",
        }
    }

    /// The default response: [`message`](Self::message) as plain text, not to be cached.
    pub fn response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from_static(self.message().as_bytes()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Self::Unavailable { retry_after, .. } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.seconds()));
        }
        response
    }
}
