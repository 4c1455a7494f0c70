//! The handler that [`Routes`](crate::Routes) makes of a route's own.

use rocket::http::Method;
use rocket::outcome::Outcome;
use rocket::route::{self, Handler};
use rocket::{Data, Request};
use tenancy_core::Ending;
use tenancy_http::{Answered, Head, Opened, Principal, Refused, Ticket};
use tracing::{Instrument, Span};

use crate::head::RocketHeaders;
use crate::slot::Slot;
use crate::{TenancyLayer, body, identify, refusal};

#[derive(Clone)]
pub(crate) struct ScopedHandler {
    inner: Box<dyn Handler>,
    layer: TenancyLayer,
}

impl ScopedHandler {
    pub(crate) fn new(inner: Box<dyn Handler>, layer: TenancyLayer) -> Self {
        Self { inner, layer }
    }

    async fn serve<'r>(
        &self,
        request: &'r Request<'_>,
        data: Data<'r>,
        span: Span,
    ) -> route::Outcome<'r> {
        let (open, found) = match self.open(request).await {
            Ok(opened) => opened,
            Err(refused) => return Outcome::Success((self.layer.answer)(refused, request)),
        };
        open.record(&span);
        let slot = Slot::of(request);
        slot.put(Ticket::of(&open), found);
        // `open` outlives the handler's future on every path: dropped or unwound, it closes the
        // scope.
        let served = open.around(async { self.inner.handle(request, data).await });
        match served.await {
            Outcome::Success(response) => {
                let answered = Answered::of_status(response.status().code);
                if let Err(refused) = open.around(open.answered(answered)).await {
                    open.during(|| drop(response));
                    slot.clear();
                    open.end(Ending::Failed);
                    let answer = (self.layer.answer)(refused, request);
                    if refused.allows(answer.status().code) {
                        return Outcome::Success(answer);
                    }
                    return Outcome::Success(refusal::response(refused));
                }
                let to_head = asked_with(request) == Method::Head;
                Outcome::Success(body::keep(response, open, span, to_head).await)
            }
            // A catcher, or another route, goes on without this scope.
            other => {
                slot.clear();
                open.around(open.answered(Answered::Failure)).await.ok();
                open.end(Ending::Failed);
                other
            }
        }
    }

    async fn open(&self, request: &Request<'_>) -> Result<(Opened, Option<Principal>), Refused> {
        let outer = Slot::of(request).ticket();
        let headers = RocketHeaders(request.headers());
        let (principal, claims) = (identify::principal(request), identify::claims(request));
        let told = principal.is_some() || claims.is_some();
        let found = self.layer.authentication.find(&headers, told)?;
        // HTTP/2 has it in place of the `Host` header; with HTTP/1 it is that header.
        let authority = request.host().map(ToString::to_string);
        let head = Head {
            headers: &headers,
            authority: authority.as_deref(),
            path: request.uri().path().as_str(),
            method: request.method().as_str(),
            claims: found.as_ref().map(|found| &found.claims).or(claims),
            principal: found.as_ref().map(|found| &found.principal).or(principal),
        };
        let TenancyLayer {
            tenancy, access, ..
        } = &self.layer;
        let open = access.open(tenancy, &head, outer.as_ref()).await?;
        let open = open.with_transaction(self.layer.transaction_per_request);
        Ok((open, found.map(|found| found.principal)))
    }
}

#[rocket::async_trait]
impl Handler for ScopedHandler {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> route::Outcome<'r> {
        let span = Opened::span();
        let served = self.serve(request, data, span.clone());
        served.instrument(span).await
    }
}

/// The method that the client used: where Rocket answers a `HEAD` with a `GET` route, the request
/// says `GET` by now. First asked before routing.
pub(crate) fn asked_with(request: &Request<'_>) -> Method {
    struct AskedWith(Method);
    request.local_cache(|| AskedWith(request.method())).0
}
