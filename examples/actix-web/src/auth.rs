//! Who asks: it stands outside the tenancy layer, whose membership check needs to know.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _};
use example_notes::Service;
use tenancy::actix_web::Principal;

/// Tells the membership check whose token was shown. Without one, nobody is a member.
pub(crate) async fn authenticate(
    service: Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let shown = request.headers().get(AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok());
    if let Some(caller) = shown.and_then(|shown| service.callers.find(shown)) {
        request.extensions_mut().insert(Principal::new(caller));
    }
    next.call(request).await
}
