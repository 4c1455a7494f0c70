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
use tenancy_core::Ending;
use tenancy_http::{
    Answered, Opened, Principal, Refused, SCOPE_HEADER, ScopedBody, Ticket, VerifiedClaims,
};
use tower_service::Service;
use tracing::{Instrument, Span};

use crate::TenancyLayer;
use crate::head::head;

/// Serves each request in the scope of its tenant. Made by [`TenancyLayer`](crate::TenancyLayer).
#[derive(Clone)]
pub struct TenancyService<S> {
    inner: S,
    layer: TenancyLayer,
}

impl<S> TenancyService<S> {
    pub(crate) fn new(inner: S, layer: TenancyLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, R> Service<Request<B>> for TenancyService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Body + Send + 'static,
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
        let span = Opened::span();
        let served = serve(ready, self.layer.clone(), request, span.clone());
        ResponseFuture(Box::pin(served.instrument(span)))
    }
}

async fn serve<S, B, R>(
    mut inner: S,
    layer: TenancyLayer,
    request: Request<B>,
    span: Span,
) -> Result<Response<ScopedBody<R>>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    let (mut parts, body) = request.into_parts();
    let open = match open(&layer, &mut parts).await {
        Ok(open) => open,
        Err(refused) => return Ok((layer.answer)(refused, &parts).map(ScopedBody::whole)),
    };
    open.record(&span);
    parts.extensions.insert(Ticket::of(&open));
    let to_head = parts.method == http::Method::HEAD;
    // For the answer to a request whose transaction is not saved.
    let asked = layer.transaction_per_request.then(|| parts.clone());
    let request = Request::from_parts(parts, body);
    // `open` outlives the handler's future on every path: dropped or unwound, it closes the scope.
    let response = match open.around(async { inner.call(request).await }).await {
        Ok(response) => response,
        Err(error) => {
            // With the scope goes its transaction: an error that is not `Send` can't wait for it.
            open.end(Ending::Failed);
            return Err(error);
        }
    };
    if let Some(asked) = asked {
        let answered = Answered::of(response.status(), response.headers());
        if let Err(refused) = open.around(open.answered(answered)).await {
            open.during(|| drop(response));
            open.end(Ending::Failed);
            let mut answer = (layer.answer)(refused, &asked);
            if !refused.allows(answer.status().as_u16()) {
                answer = refused.response();
            }
            return Ok(answer.map(ScopedBody::whole));
        }
    }
    Ok(ScopedBody::keep(response, open, span, to_head))
}

async fn open(layer: &TenancyLayer, parts: &mut Parts) -> Result<Opened, Refused> {
    let extensions = &parts.extensions;
    let told =
        extensions.get::<Principal>().is_some() || extensions.get::<VerifiedClaims>().is_some();
    if let Some(found) = layer.authentication.find(&parts.headers, told)? {
        parts.extensions.insert(found.principal);
        parts.extensions.insert(found.claims);
    }
    let outer = parts.extensions.get::<Ticket>();
    let open = layer
        .access
        .open(&layer.tenancy, &head(parts), outer)
        .await?;
    if layer.access.takes_envelopes() {
        parts.headers.remove(SCOPE_HEADER);
    }
    Ok(open.with_transaction(layer.transaction_per_request))
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
