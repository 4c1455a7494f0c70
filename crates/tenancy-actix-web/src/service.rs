//! The service that [`TenancyLayer`](crate::TenancyLayer) makes.

use std::fmt;
use std::rc::Rc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::{Error, HttpMessage};
use futures_util::future::LocalBoxFuture;
use tenancy_core::Ending;
use tenancy_http::{
    Answered, Head, Opened, Principal, Refused, SCOPE_HEADER, Ticket, VerifiedClaims,
};
use tracing::{Instrument, Span};

use crate::head::ActixHeaders;
use crate::{ScopedBody, TenancyLayer, refusal};

/// Serves each request in the scope of its tenant. Made by [`TenancyLayer`](crate::TenancyLayer).
pub struct TenancyService<S> {
    inner: Rc<S>,
    layer: TenancyLayer,
}

impl<S> TenancyService<S> {
    pub(crate) fn new(inner: Rc<S>, layer: TenancyLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B> Service<ServiceRequest> for TenancyService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<ScopedBody<B>>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let span = Opened::span();
        let served = serve(
            Rc::clone(&self.inner),
            self.layer.clone(),
            request,
            span.clone(),
        );
        Box::pin(served.instrument(span))
    }
}

async fn serve<S, B>(
    inner: Rc<S>,
    layer: TenancyLayer,
    mut request: ServiceRequest,
    span: Span,
) -> Result<ServiceResponse<EitherBody<ScopedBody<B>>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let open = match open(&layer, &mut request).await {
        Ok(open) => open,
        Err(refused) => {
            let response = (layer.answer)(refused, request.request());
            return Ok(request.into_response(response).map_into_right_body());
        }
    };
    open.record(&span);
    request.extensions_mut().insert(Ticket::of(&open));
    let to_head = request.method() == Method::HEAD;
    // `open` outlives the handler's future on every path: dropped or unwound, it closes the scope.
    match open.around(async { inner.call(request).await }).await {
        Ok(response) => {
            let answered = Answered::of_status(response.status().as_u16());
            match open.around(open.answered(answered)).await {
                Ok(()) => Ok(ScopedBody::keep(response, open, span, to_head).map_into_left_body()),
                Err(refused) => {
                    let (request, unsaved) = response.into_parts();
                    open.during(|| drop(unsaved));
                    open.end(Ending::Failed);
                    let mut response = (layer.answer)(refused, &request);
                    if !refused.allows(response.status().as_u16()) {
                        response = refusal::response(refused);
                    }
                    Ok(ServiceResponse::new(request, response).map_into_right_body())
                }
            }
        }
        Err(error) => {
            // An error is an answer, too, and its status what the client will see.
            let status = error.as_response_error().status_code();
            let answered = Answered::of_status(status.as_u16());
            let ended = open.around(open.answered(answered)).await;
            open.end(Ending::Failed);
            // The request is gone, and so no mapper can be asked.
            Err(ended.err().map_or(error, |refused| {
                InternalError::from_response(refused.message(), refusal::response(refused)).into()
            }))
        }
    }
}

async fn open(layer: &TenancyLayer, request: &mut ServiceRequest) -> Result<Opened, Refused> {
    let told = {
        let extensions = request.extensions();
        extensions.get::<Principal>().is_some() || extensions.get::<VerifiedClaims>().is_some()
    };
    let headers = ActixHeaders(request.headers());
    if let Some(found) = layer.authentication.find(&headers, told)? {
        request.extensions_mut().insert(found.principal);
        request.extensions_mut().insert(found.claims);
    }
    // Cloned, since the extensions can't stay borrowed while this waits.
    let (claims, principal, outer) = {
        let extensions = request.extensions();
        (
            extensions.get::<VerifiedClaims>().cloned(),
            extensions.get::<Principal>().cloned(),
            extensions.get::<Ticket>().cloned(),
        )
    };
    let uri = request.uri();
    let head = Head {
        headers: &ActixHeaders(request.headers()),
        authority: uri.authority().map(actix_web::http::uri::Authority::as_str),
        path: uri.path(),
        method: request.method().as_str(),
        claims: claims.as_ref(),
        principal: principal.as_ref(),
    };
    let access = &layer.access;
    let open = access.open(&layer.tenancy, &head, outer.as_ref()).await?;
    if access.takes_envelopes() {
        request.headers_mut().remove(SCOPE_HEADER.as_str());
    }
    Ok(open.with_transaction(layer.transaction_per_request))
}

impl<S: fmt::Debug> fmt::Debug for TenancyService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenancyService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
