//! The endpoint that [`TenancyLayer`](crate::TenancyLayer) makes.

use std::fmt;

use http_body_util::combinators::BoxBody;
use poem::http::Method;
use poem::http::uri::Authority;
use poem::{Body, Endpoint, IntoResponse, Request, RequestParts, Response, Result};
use tenancy_core::Ending;
use tenancy_http::{
    Answered, Head, Opened, Principal, Refused, SCOPE_HEADER, ScopedBody, Ticket, VerifiedClaims,
};
use tracing::{Instrument, Span};

use crate::{TenancyLayer, refusal};

/// Serves each request in the scope of its tenant. Made by [`TenancyLayer`](crate::TenancyLayer).
pub struct TenancyEndpoint<E> {
    inner: E,
    layer: TenancyLayer,
}

impl<E> TenancyEndpoint<E> {
    pub(crate) fn new(inner: E, layer: TenancyLayer) -> Self {
        Self { inner, layer }
    }
}

impl<E: Endpoint> Endpoint for TenancyEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let span = Opened::span();
        self.serve(request, span.clone()).instrument(span).await
    }
}

impl<E: Endpoint> TenancyEndpoint<E> {
    async fn serve(&self, mut request: Request, span: Span) -> Result<Response> {
        let open = match self.open(&mut request).await {
            Ok(open) => open,
            Err(refused) => return Ok((self.layer.answer)(refused, &request)),
        };
        open.record(&span);
        request.extensions_mut().insert(Ticket::of(&open));
        let to_head = request.method() == Method::HEAD;
        // For the answer to a request whose transaction is not saved.
        let asked = self
            .layer
            .transaction_per_request
            .then(|| head_of(&request));
        // `open` outlives the handler's future on every path: dropped or unwound, it closes the
        // scope.
        let served = async { self.inner.call(request).await.map(E::Output::into_response) };
        let served = open.around(served).await;
        // An error is an answer, too, and its status what the client will see.
        let answered = match &served {
            Ok(response) => Answered::of(response.status(), response.headers()),
            Err(error) => Answered::of_status(error.status().as_u16()),
        };
        if let (Err(refused), Some(asked)) = (open.around(open.answered(answered)).await, asked) {
            open.during(|| drop(served));
            open.end(Ending::Failed);
            let answer = (self.layer.answer)(refused, &asked);
            if refused.allows(answer.status().as_u16()) {
                return Ok(answer);
            }
            return Ok(refusal::response(refused));
        }
        match served {
            Ok(response) => Ok(keep(response, open, span, to_head)),
            Err(error) => {
                open.end(Ending::Failed);
                Err(error)
            }
        }
    }

    async fn open(&self, request: &mut Request) -> Result<Opened, Refused> {
        let extensions = request.extensions();
        let told =
            extensions.get::<Principal>().is_some() || extensions.get::<VerifiedClaims>().is_some();
        if let Some(found) = self.layer.authentication.find(request.headers(), told)? {
            request.extensions_mut().insert(found.principal);
            request.extensions_mut().insert(found.claims);
        }
        let (uri, extensions) = (request.original_uri(), request.extensions());
        let head = Head {
            headers: request.headers(),
            authority: uri.authority().map(Authority::as_str),
            path: uri.path(),
            method: request.method().as_str(),
            claims: extensions.get::<VerifiedClaims>(),
            principal: extensions.get::<Principal>(),
        };
        let TenancyLayer {
            tenancy, access, ..
        } = &self.layer;
        let outer = extensions.get::<Ticket>();
        let open = access.open(tenancy, &head, outer).await?;
        if access.takes_envelopes() {
            request.headers_mut().remove(SCOPE_HEADER);
        }
        Ok(open.with_transaction(self.layer.transaction_per_request))
    }
}

/// A request of the same head, without a body.
fn head_of(request: &Request) -> Request {
    let (mut head, ()) = poem::http::Request::new(()).into_parts();
    head.method.clone_from(request.method());
    head.uri.clone_from(request.original_uri());
    head.version = request.version();
    head.headers.clone_from(request.headers());
    head.extensions.clone_from(request.extensions());
    let (local, remote) = (request.local_addr().clone(), request.remote_addr().clone());
    let head = RequestParts::from((head, local, remote, request.scheme().clone()));
    let mut head = Request::from_parts(head, Body::empty());
    head.uri_mut().clone_from(request.uri());
    head
}

/// Gives the body of `response` the scope to keep.
fn keep(mut response: Response, open: Opened, span: Span, to_head: bool) -> Response {
    let body = BoxBody::from(response.take_body());
    let (status, headers) = (response.status(), response.headers());
    let body = ScopedBody::new(body, status, headers, open, span, to_head);
    response.set_body(BoxBody::new(body));
    response
}

impl<E: fmt::Debug> fmt::Debug for TenancyEndpoint<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenancyEndpoint")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
