//! The service that [`TenancyLayer`](crate::TenancyLayer) makes.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tenancy_core::{Ending, OpenScope, Tenancy};
use tower_service::Service;
use tracing::{Instrument, Span, field};

use crate::Refused;
use crate::body::{self, ScopedBody};
use crate::head::Head;
use crate::layer::Answer;
use crate::ticket::Ticket;

/// Serves each request in the scope of its tenant. Made by [`TenancyLayer`](crate::TenancyLayer).
#[derive(Clone)]
pub struct TenancyService<S> {
    inner: S,
    tenancy: Tenancy,
    answer: Answer,
}

impl<S> TenancyService<S> {
    pub(crate) fn new(inner: S, tenancy: Tenancy, answer: Answer) -> Self {
        Self {
            inner,
            tenancy,
            answer,
        }
    }
}

impl<S, B, R> Service<Request<B>> for TenancyService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Body + 'static,
    R::Data: From<Bytes>,
{
    type Response = Response<ScopedBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone isn't ready; the one that was polled is, so that one must serve.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let (tenancy, answer) = (self.tenancy.clone(), Answer::clone(&self.answer));
        let span = tracing::info_span!("request", tenant.id = field::Empty);
        let served = serve(ready, tenancy, answer, request, span.clone());
        ResponseFuture(Box::pin(served.instrument(span)))
    }
}

async fn serve<S, B, R>(
    mut inner: S,
    tenancy: Tenancy,
    answer: Answer,
    request: Request<B>,
    span: Span,
) -> Result<Response<ScopedBody<R>>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    let (mut parts, body) = request.into_parts();
    let open = match open(&tenancy, &parts).await {
        Ok(open) => open,
        Err(refused) => return Ok(answer(refused, &parts).map(ScopedBody::whole)),
    };
    span.record("tenant.id", field::display(open.scope().tenant_id()));
    parts.extensions.insert(Ticket::of(open.scope()));
    let to_head = parts.method == http::Method::HEAD;
    let request = Request::from_parts(parts, body);
    // `open` outlives the handler's future on every path: dropped or unwound, it closes the scope.
    match open
        .scope()
        .scope(async { inner.call(request).await })
        .await
    {
        Ok(response) => Ok(body::scoped(response, open, span, to_head)),
        Err(error) => {
            body::end(open, Ending::Failed);
            Err(error)
        }
    }
}

/// Opens the scope that the request asks for; what the cause was goes to the log alone.
async fn open(tenancy: &Tenancy, parts: &Parts) -> Result<OpenScope, Refused> {
    // Core refuses a nested scope too, but only where the inner layer runs in the outer's task.
    if parts.extensions.get::<Ticket>().is_some() {
        tracing::error!("TenancyLayer is applied twice to one route: remove one of the two");
        return Err(Refused::Misconfigured);
    }
    tenancy.open_request(&Head(parts)).await.map_err(|error| {
        let refused = Refused::of(&error);
        let cause = &error as &(dyn std::error::Error + 'static);
        match refused {
            // What any client can cause at will fills no log by default.
            Refused::NoTenant | Refused::NotFound => {
                tracing::debug!(error = cause, "the request was refused");
            }
            Refused::TryLater | Refused::Misconfigured => {
                tracing::error!(error = cause, "no scope could be opened for a request");
            }
        }
        refused
    })
}

/// What [`TenancyService`] answers with in the end. Dropped before its end, it closes the scope.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<R, E>(BoxFuture<'static, Result<Response<ScopedBody<R>>, E>>);

impl<R, E> Future for ResponseFuture<R, E> {
    type Output = Result<Response<ScopedBody<R>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<R, E> fmt::Debug for ResponseFuture<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for TenancyService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenancyService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
