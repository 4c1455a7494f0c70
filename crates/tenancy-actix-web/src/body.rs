//! The response body that keeps its request's scope open.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use tenancy_core::Ending;
use tenancy_http::{Kept, Opened};
use tracing::Span;

pin_project_lite::pin_project! {
    /// A response body whose request's scope stays open until the body has ended or is dropped.
    ///
    /// Each poll, and the drop, of the inner body runs with the scope as the ambient one and in
    /// the request's span. Its chunks and its size are the inner body's own.
    pub struct ScopedBody<B> {
        #[pin]
        kept: Kept<B>,
        size: BodySize,
    }
}

impl<B: MessageBody> ScopedBody<B> {
    /// Gives the body of `response` the scope to keep.
    pub(crate) fn keep(
        response: ServiceResponse<B>,
        open: Opened,
        span: Span,
        to_head: bool,
    ) -> ServiceResponse<ScopedBody<B>> {
        let status = response.status();
        let bodiless = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        response.map_body(|_, body| {
            let size = body.size();
            let kept = match size {
                BodySize::None | BodySize::Sized(0) => {
                    Kept::empty(body, open, span, Ending::Completed)
                }
                BodySize::Sized(_) | BodySize::Stream => {
                    Kept::new(body, open, span, to_head || bodiless)
                }
            };
            ScopedBody { kept, size }
        })
    }
}

impl<B: MessageBody> MessageBody for ScopedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        let polled = self.project().kept.poll(|body, _| {
            let polled = body.poll_next(cx);
            let ending = match &polled {
                Poll::Pending | Poll::Ready(Some(Ok(_))) => None,
                Poll::Ready(None) => Some(Ending::Completed),
                Poll::Ready(Some(Err(_))) => Some(Ending::Failed),
            };
            (polled, ending)
        });
        polled.unwrap_or(Poll::Ready(None))
    }
}

impl<B> fmt::Debug for ScopedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedBody")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}
