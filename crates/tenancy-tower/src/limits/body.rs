//! The response body that counts as long as it lasts.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::usage::Permit;

pin_project_lite::pin_project! {
    /// A response body whose request counts until it has ended or is dropped. Frames, trailers and
    /// the size hint are the inner body's own.
    pub struct LimitedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project_lite::pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Served { #[pin] body: B, permit: Option<Permit> },
        Whole { data: Option<Bytes> },
    }
}

impl<B: Body> LimitedBody<B> {
    pub(super) fn new(body: B, permit: Option<Permit>) -> Self {
        let permit = permit.filter(|_| !body.is_end_stream());
        Self {
            kind: Kind::Served { body, permit },
        }
    }
}

impl<B> LimitedBody<B> {
    pub(super) fn whole(data: Bytes) -> Self {
        Self {
            kind: Kind::Whole {
                data: (!data.is_empty()).then_some(data),
            },
        }
    }
}

impl<B> Body for LimitedBody<B>
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
        match self.project().kind.project() {
            KindProj::Served { mut body, permit } => {
                let frame = ready!(body.as_mut().poll_frame(cx));
                // Servers don't ask again after an error or the last frame.
                if !matches!(frame, Some(Ok(_))) || body.is_end_stream() {
                    drop(permit.take());
                }
                Poll::Ready(frame)
            }
            KindProj::Whole { data } => {
                Poll::Ready(data.take().map(|data| Ok(Frame::data(data.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Served { body, .. } => body.is_end_stream(),
            Kind::Whole { data } => data.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Served { body, .. } => body.size_hint(),
            Kind::Whole { data } => {
                SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64))
            }
        }
    }
}

impl<B> fmt::Debug for LimitedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedBody").finish_non_exhaustive()
    }
}
