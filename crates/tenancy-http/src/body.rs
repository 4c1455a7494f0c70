//! The response body, of the crate `http-body`, that keeps its request's scope open.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tenancy_core::Ending;
use tracing::Span;

use crate::kept::exclusive;
use crate::{Answered, Kept, Opened, Refused};

/// gRPC's own number for it.
const INTERNAL: &str = "13";

pin_project_lite::pin_project! {
    /// A response body whose request's scope stays open until the body has ended or is dropped.
    ///
    /// Each poll, and the drop, of the inner body runs with the scope as the ambient one and in
    /// the request's span. Frames, trailers and the size hint are the inner body's own.
    ///
    /// Where headers or trailers hold a `grpc-status` other than 0, the scope ends as failed: a
    /// gRPC call says there what its handler answered. Where its request has a transaction, trailers
    /// of a success wait for the commit, and those of a failure go out in their place if it failed.
    pub struct ScopedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project_lite::pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Handler { #[pin] body: Kept<B>, closing: Option<Closing> },
        /// A refusal: no handler, no scope.
        Whole { data: Option<Bytes> },
    }
}

/// The end of a gRPC call whose trailers wait for its transaction's.
struct Closing {
    // Never locked, as in `Kept`.
    transaction: Mutex<BoxFuture<'static, Result<(), Refused>>>,
    trailers: HeaderMap,
}

impl<B> ScopedBody<B> {
    /// A body that needs no scope: a refusal's.
    pub fn whole(data: Bytes) -> Self {
        Self {
            kind: Kind::Whole {
                data: (!data.is_empty()).then_some(data),
            },
        }
    }
}

impl<B: Body> ScopedBody<B> {
    /// Gives the body of `response` the scope to keep. `to_head` where the request was a `HEAD`.
    pub fn keep(
        response: Response<B>,
        open: Opened,
        span: Span,
        to_head: bool,
    ) -> Response<ScopedBody<B>> {
        let (parts, body) = response.into_parts();
        let body = Self::new(body, parts.status, &parts.headers, open, span, to_head);
        Response::from_parts(parts, body)
    }

    /// Gives `body` the scope to keep, where a framework's response is of its own kind: one with
    /// this status and these headers.
    pub fn new(
        body: B,
        status: StatusCode,
        headers: &HeaderMap,
        open: Opened,
        span: Span,
        to_head: bool,
    ) -> Self {
        let bodiless = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let body = if body.is_end_stream() {
            Kept::empty(body, open, span, Answered::of_trailers(headers).ending())
        } else {
            Kept::new(body, open, span, to_head || bodiless)
        };
        Self {
            kind: Kind::Handler {
                body,
                closing: None,
            },
        }
    }
}

impl<B> Body for ScopedBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let (kept, closing) = match self.project().kind.project() {
            KindProj::Handler { body, closing } => (body, closing),
            KindProj::Whole { data } => {
                return Poll::Ready(data.take().map(|data| Ok(Frame::data(data.into()))));
            }
        };
        let polled = kept.poll(|mut body, open| {
            let mut polled = match closing {
                Some(_) => Poll::Pending,
                None => body.as_mut().poll_frame(cx),
            };
            if let Poll::Ready(Some(Ok(frame))) = &mut polled
                && let Some(trailers) = frame.trailers_mut()
                && Answered::is_grpc_ok(trailers)
            {
                *closing = Some(Closing {
                    transaction: Mutex::new(open.answered(Answered::Success).boxed()),
                    trailers: mem::take(trailers),
                });
            }
            if let Some(closing) = closing {
                polled = closing
                    .poll(cx)
                    .map(|trailers| Some(Ok(Frame::trailers(trailers))));
            }
            let ending = match &polled {
                Poll::Pending => None,
                Poll::Ready(None) => Some(Ending::Completed),
                Poll::Ready(Some(Err(_))) => Some(Ending::Failed),
                // Servers don't ask again after the last frame, which trailers are.
                Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
                    Some(trailers) => Some(Answered::of_trailers(trailers).ending()),
                    None => body.is_end_stream().then_some(Ending::Completed),
                },
            };
            (polled, ending)
        });
        polled.unwrap_or(Poll::Ready(None))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Handler {
                closing: Some(_),
                body,
            } => body.body().is_none(),
            Kind::Handler { body, .. } => body.body().is_none_or(Body::is_end_stream),
            Kind::Whole { data } => data.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Handler { body, .. } => body
                .body()
                .map_or_else(|| SizeHint::with_exact(0), Body::size_hint),
            Kind::Whole { data } => {
                SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64))
            }
        }
    }
}

impl Closing {
    /// The trailers, once the transaction has ended: the handler's, or those of a failure.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<HeaderMap> {
        exclusive(&mut self.transaction)
            .as_mut()
            .poll(cx)
            .map(|ended| match ended {
                Ok(()) => mem::take(&mut self.trailers),
                Err(refused) => {
                    let message = HeaderValue::from_static(refused.message().trim_ascii_end());
                    let mut trailers = HeaderMap::new();
                    trailers.insert("grpc-status", HeaderValue::from_static(INTERNAL));
                    trailers.insert("grpc-message", message);
                    trailers
                }
            })
    }
}

impl<B> fmt::Debug for ScopedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ScopedBody");
        if let Kind::Handler { body, .. } = &self.kind {
            debug.field("body", body);
        }
        debug.finish_non_exhaustive()
    }
}
