//! The response body that keeps its request's scope open.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tenancy_core::{Ending, OpenScope};
use tracing::Span;

pin_project_lite::pin_project! {
    /// A response body whose request's scope stays open until the body has ended or is dropped.
    ///
    /// Each poll, and the drop, of the inner body runs with the scope as the ambient one and in
    /// the request's span. Frames, trailers and the size hint are the inner body's own.
    pub struct ScopedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project_lite::pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        /// The handler's body. `body` is gone once it has ended; `open` with it.
        Handler {
            #[pin]
            body: Option<B>,
            open: Option<OpenScope>,
            span: Span,
            // Whoever drops this body unread has done with it all that there is to do.
            unread_is_complete: bool,
        },
        /// A refusal: no handler, no scope.
        Whole { data: Option<Bytes> },
    }

    impl<B> PinnedDrop for Kind<B> {
        fn drop(this: Pin<&mut Self>) {
            if let KindProj::Handler { mut body, open, span, unread_is_complete } = this.project()
                && let Some(open) = open.take()
            {
                let _entered = span.enter();
                open.scope().during(|| body.set(None));
                if *unread_is_complete && !std::thread::panicking() {
                    end(open, Ending::Completed);
                }
            }
        }
    }
}

/// Gives `response`'s body the scope to keep.
pub(crate) fn scoped<B: Body>(
    response: Response<B>,
    open: OpenScope,
    span: Span,
    to_head: bool,
) -> Response<ScopedBody<B>> {
    let status = response.status();
    let bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    response.map(|body| {
        let (body, open) = if body.is_end_stream() {
            open.scope().during(|| drop(body));
            end(open, Ending::Completed);
            (None, None)
        } else {
            (Some(body), Some(open))
        };
        let unread_is_complete = to_head || bodiless;
        ScopedBody {
            kind: Kind::Handler {
                body,
                open,
                span,
                unread_is_complete,
            },
        }
    })
}

/// Ends the scope now. Its reverts go on by themselves, so that no response waits for them.
pub(crate) fn end(open: OpenScope, ending: Ending) {
    // The first poll starts everything; what it could not revert is logged and told to listeners.
    let _ = open.close(ending).now_or_never();
}

impl<B> ScopedBody<B> {
    pub(crate) fn whole(data: Bytes) -> Self {
        Self {
            kind: Kind::Whole {
                data: (!data.is_empty()).then_some(data),
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
        let (mut body, open, span) = match self.project().kind.project() {
            KindProj::Handler {
                body, open, span, ..
            } => (body, open, span),
            KindProj::Whole { data } => {
                return Poll::Ready(data.take().map(|data| Ok(Frame::data(data.into()))));
            }
        };
        // Taken for the time of the poll, so that a panic in it drops the scope, and thereby ends
        // it; afterwards nothing is polled without one.
        let (Some(inner), Some(held)) = (body.as_mut().as_pin_mut(), open.take()) else {
            return Poll::Ready(None);
        };
        let _entered = span.enter();
        let polled = held.scope().during(|| inner.poll_frame(cx));
        let ending = match &polled {
            Poll::Pending => None,
            Poll::Ready(None) => Some(Ending::Completed),
            Poll::Ready(Some(Err(_))) => Some(Ending::Failed),
            // Servers don't ask again after the last frame.
            Poll::Ready(Some(Ok(_))) => body
                .as_ref()
                .as_pin_ref()
                .is_some_and(|body| body.is_end_stream())
                .then_some(Ending::Completed),
        };
        match ending {
            None => *open = Some(held),
            Some(ending) => {
                held.scope().during(|| body.set(None));
                end(held, ending);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Handler { body, .. } => body.as_ref().is_none_or(Body::is_end_stream),
            Kind::Whole { data } => data.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Handler { body, .. } => body
                .as_ref()
                .map_or_else(|| SizeHint::with_exact(0), Body::size_hint),
            Kind::Whole { data } => {
                SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64))
            }
        }
    }
}

impl<B> fmt::Debug for ScopedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = matches!(&self.kind, Kind::Handler { open: Some(_), .. });
        f.debug_struct("ScopedBody")
            .field("scope_open", &open)
            .finish_non_exhaustive()
    }
}
