//! The response body that keeps its request's scope open.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rocket::Response;
use rocket::http::Status;
use rocket::response::Body;
use tenancy_core::Ending;
use tenancy_http::{Kept, Opened};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tracing::Span;

pin_project_lite::pin_project! {
    struct ScopedBody<'r> {
        #[pin]
        kept: Kept<Body<'r>>,
    }
}

/// Gives the body of `response` the scope to keep.
pub(crate) async fn keep(
    mut response: Response<'_>,
    open: Opened,
    span: Span,
    to_head: bool,
) -> Response<'_> {
    if response.body().is_none() {
        open.end(Ending::Completed);
        return response;
    }
    let status = response.status();
    let unread_is_complete = to_head
        || matches!(status, Status::NoContent | Status::NotModified)
        || status.class().is_informational();
    // Where it is found by seeking, it is the handler's body that seeks.
    let size = open.around(response.body_mut().size()).await;
    let body = response.body_mut().take();
    let chunk = body.max_chunk_size();
    let kept = ScopedBody {
        kept: Kept::new(body, open, span, unread_is_complete),
    };
    match size {
        Some(size) => response.set_sized_body(size, kept),
        None => response.set_streamed_body(kept),
    }
    response.set_max_chunk_size(chunk);
    response
}

impl AsyncRead for ScopedBody<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = self.project().kept.poll(|body, _| {
            let before = buffer.filled().len();
            let polled = body.poll_read(cx, buffer);
            let ending = match &polled {
                Poll::Ready(Ok(())) if buffer.filled().len() == before => {
                    (buffer.remaining() > 0).then_some(Ending::Completed)
                }
                Poll::Pending | Poll::Ready(Ok(())) => None,
                Poll::Ready(Err(_)) => Some(Ending::Failed),
            };
            (polled, ending)
        });
        polled.unwrap_or(Poll::Ready(Ok(())))
    }
}

/// Rocket seeks to find a size, and this body says its own.
impl AsyncSeek for ScopedBody<'_> {
    fn start_seek(self: Pin<&mut Self>, _: io::SeekFrom) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
