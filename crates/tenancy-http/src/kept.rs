//! What keeps a scope open while a response's body is sent.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use tenancy_core::Ending;
use tracing::Span;

use crate::Opened;

pin_project_lite::pin_project! {
    /// A body, of whatever kind a framework has, with the scope of its request.
    ///
    /// The scope is open until the body has ended or is dropped. Each poll, and the drop, of the
    /// body runs with the scope as the ambient one and in the request's span.
    pub struct Kept<B> {
        // Gone once it has ended; `open` with it.
        #[pin]
        body: Option<B>,
        // Never locked: it makes this `Sync` where the body is, which some frameworks want.
        open: Mutex<Option<Opened>>,
        span: Span,
        unread_is_complete: bool,
    }

    impl<B> PinnedDrop for Kept<B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let mut body = this.body;
            if let Some(open) = exclusive(this.open).take() {
                let _entered = this.span.enter();
                open.during(|| body.set(None));
                if *this.unread_is_complete && !std::thread::panicking() {
                    open.end(Ending::Completed);
                }
            }
        }
    }
}

impl<B> Kept<B> {
    /// Keeps `open` as long as `body` lasts.
    ///
    /// `unread_is_complete` where whoever drops this body unread has done with it all that there
    /// is to do: the answer to a `HEAD`, or a status without content.
    pub fn new(body: B, open: Opened, span: Span, unread_is_complete: bool) -> Self {
        Self {
            body: Some(body),
            open: Mutex::new(Some(open)),
            span,
            unread_is_complete,
        }
    }

    /// Ends `open` at once, and as `ending` says, for a `body` that has nothing to send.
    pub fn empty(body: B, open: Opened, span: Span, ending: Ending) -> Self {
        open.during(|| drop(body));
        open.end(ending);
        Self {
            body: None,
            open: Mutex::new(None),
            span,
            unread_is_complete: true,
        }
    }

    /// The body, if it has not ended.
    pub fn body(&self) -> Option<&B> {
        self.body.as_ref()
    }

    /// Polls the body in its scope, which `poll` is shown. It says besides how the body has ended, if
    /// it has.
    ///
    /// Afterwards, and after a panic in `poll`, nothing is polled again: the answer is `None`.
    pub fn poll<T>(
        self: Pin<&mut Self>,
        poll: impl FnOnce(Pin<&mut B>, &Opened) -> (Poll<T>, Option<Ending>),
    ) -> Option<Poll<T>> {
        let this = self.project();
        let mut body = this.body;
        // Taken for the time of the poll, so that a panic in it drops the scope, and thereby ends
        // it; afterwards nothing is polled without one.
        let inner = body.as_mut().as_pin_mut()?;
        let open = exclusive(this.open);
        let held = open.take()?;
        let _entered = this.span.enter();
        let (polled, ending) = held.during(|| poll(inner, &held));
        match ending {
            None => *open = Some(held),
            Some(ending) => {
                held.during(|| body.set(None));
                held.end(ending);
            }
        }
        Some(polled)
    }
}

/// Of a mutex that is never locked.
pub(crate) fn exclusive<T>(held: &mut Mutex<T>) -> &mut T {
    held.get_mut().unwrap_or_else(PoisonError::into_inner)
}

impl<B> fmt::Debug for Kept<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("ended", &self.body.is_none())
            .finish_non_exhaustive()
    }
}
