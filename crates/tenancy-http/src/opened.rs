//! A scope that was opened for a request.

use std::future::Future;

use futures_util::FutureExt;
use tenancy_core::{Ending, InScope, OpenCentral, OpenScope};
use tracing::{Span, field};

use crate::{Answered, Refused};

/// The scope that is open for a request, for as long as this is held. Dropped, it closes.
#[derive(Debug)]
pub enum Opened {
    /// A tenant's.
    Tenant(OpenScope),
    /// Central work.
    Central(OpenCentral),
}

impl Opened {
    /// The span that a request is served in; [`record`](Self::record) tells it the tenant.
    pub fn span() -> Span {
        tracing::info_span!("request", tenant.id = field::Empty)
    }

    /// Tells `span` whose request it is.
    pub fn record(&self, span: &Span) {
        if let Self::Tenant(open) = self {
            span.record("tenant.id", field::display(open.scope().tenant_id()));
        }
    }

    /// Runs `future` with this as the ambient scope. The future need not be `Send`.
    pub fn around<F: Future>(&self, future: F) -> InScope<F> {
        match self {
            Self::Tenant(open) => open.scope().scope(future),
            Self::Central(open) => open.scope().scope(future),
        }
    }

    /// Runs `work` with this as the ambient scope.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        match self {
            Self::Tenant(open) => open.scope().during(work),
            Self::Central(open) => open.scope().during(work),
        }
    }

    /// Gives a tenant's request a transaction of its own, if `wanted`.
    #[must_use]
    pub fn with_transaction(self, wanted: bool) -> Self {
        match self {
            Self::Tenant(open) if wanted => Self::Tenant(open.with_transaction()),
            other => other,
        }
    }

    /// Whether the request has a transaction that has not ended, begun or not.
    pub(crate) fn has_transaction(&self) -> bool {
        match self {
            Self::Tenant(open) => open.has_transaction(),
            Self::Central(_) => false,
        }
    }

    /// Ends the request's transaction, if it has begun one, as its answer says: it is committed, or
    /// rolled back. Awaited before the answer's head goes out, or before the trailers. The future
    /// does not borrow the scope.
    ///
    /// # Errors
    /// [`Refused::NotSaved`], to be answered with in place of a success, and
    /// [`Refused::Misconfigured`] where it can't be seen whether it is one. Why is logged.
    pub fn answered(
        &self,
        answered: Answered,
    ) -> impl Future<Output = Result<(), Refused>> + Send + use<> {
        let ended = match (self, answered) {
            (Self::Tenant(open), Answered::Success) => Some(open.end_transaction(true)),
            (Self::Tenant(open), Answered::Failure | Answered::Unreadable) => {
                Some(open.end_transaction(false))
            }
            (Self::Tenant(_), Answered::InTrailers) | (Self::Central(_), _) => None,
        };
        let is_unreadable = answered == Answered::Unreadable && self.has_transaction();
        async move {
            let Some(ended) = ended else { return Ok(()) };
            if is_unreadable {
                tracing::error!(
                    "a call of gRPC-Web was answered, and whether to save its transaction can't be seen: put what speaks gRPC-Web outside tenancy's layer"
                );
                ended.await.ok();
                return Err(Refused::Misconfigured);
            }
            ended.await.map_err(|error| {
                let cause = &error as &(dyn std::error::Error + 'static);
                tracing::error!(error = cause, "a request's transaction was not saved");
                Refused::NotSaved
            })
        }
    }

    /// Ends the scope now. Its reverts go on by themselves, so that no response waits for them.
    pub fn end(self, ending: Ending) {
        match self {
            // The first poll starts everything; what it could not revert is logged and told to
            // listeners.
            Self::Tenant(open) => drop(open.close(ending).now_or_never()),
            Self::Central(open) => drop(open),
        }
    }
}
