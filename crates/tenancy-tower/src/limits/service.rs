//! The service that [`LimitLayer`](super::LimitLayer) makes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tenancy_http::{Refused, Ticket};
use tower_service::Service;

use super::usage::Permit;
use super::{LimitLayer, Limited, LimitedBody};

/// Serves each request that is within its tenant's limits. Made by [`LimitLayer`].
#[derive(Clone)]
pub struct LimitService<S> {
    inner: S,
    layer: LimitLayer,
}

impl<S> LimitService<S> {
    pub(super) fn new(inner: S, layer: LimitLayer) -> Self {
        Self { inner, layer }
    }

    /// A permit to serve `request`; without one, why. No reason is that there is no scope.
    fn admit<B>(&self, request: &Request<B>) -> Result<Permit, Option<Limited>> {
        let ticket = request.extensions().get::<Ticket>();
        let scope = ticket.and_then(Ticket::tenant);
        let scope = scope.filter(|scope| scope.ensure_usable().is_ok());
        let scope = scope.ok_or(None)?;
        let limits = (self.layer.limits)(scope.tenant());
        let entered = self.layer.usage.enter(scope.tenant_id(), limits);
        entered.map_err(Some)
    }

    fn refuse<B>(&self, request: Request<B>, limited: Option<Limited>) -> Response<Bytes> {
        let Some(limited) = limited else {
            tracing::error!(
                "limits are kept for tenants, and no tenant's scope is open here: put TenancyLayer around LimitLayer, and no LimitLayer around a central route"
            );
            return Refused::Misconfigured.response();
        };
        tracing::debug!(?limited, "a tenant is over its limit");
        (self.layer.answer)(limited, &request.into_parts().0)
    }
}

impl<S, B, R> Service<Request<B>> for LimitService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
    R::Data: From<Bytes>,
{
    type Response = Response<LimitedBody<R>>;
    type Error = S::Error;
    type Future = LimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let kind = match self.admit(&request) {
            Ok(permit) => Kind::Served {
                future: self.inner.call(request),
                permit: Some(permit),
            },
            Err(limited) => Kind::Limited {
                response: Some(self.refuse(request, limited)),
            },
        };
        LimitFuture { kind }
    }
}

pin_project_lite::pin_project! {
    /// What [`LimitService`] answers with in the end. Dropped before its end, the request is
    /// counted no more.
    #[must_use = "futures do nothing unless polled"]
    pub struct LimitFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project_lite::pin_project! {
    #[project = KindProj]
    enum Kind<F> {
        Served { #[pin] future: F, permit: Option<Permit> },
        Limited { response: Option<Response<Bytes>> },
    }
}

impl<F, R, E> Future for LimitFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
    R::Data: From<Bytes>,
{
    type Output = Result<Response<LimitedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Served { future, permit } => {
                let served = ready!(future.poll(cx));
                let permit = permit.take();
                Poll::Ready(
                    served.map(|response| response.map(|body| LimitedBody::new(body, permit))),
                )
            }
            // Polled again after its end, it has no answer any more.
            KindProj::Limited { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(LimitedBody::whole))),
                None => Poll::Pending,
            },
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for LimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for LimitFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitFuture").finish_non_exhaustive()
    }
}
