//! Callers with tokens, which the layer itself verifies.

use poem::http::StatusCode;
use poem::{Endpoint as _, EndpointExt as _, IntoEndpoint as _, Request, get, handler};
use tenancy_http_suite::stage::Headers;
use tenancy_http_suite::tokens::{bearer, judge, jwt, tenancy};
use tenancy_poem::{Principal, TenancyLayer, TenantScope, VerifiedToken};

use crate::support::{answered, authenticate};

#[handler]
fn whoami(scope: TenantScope, request: &Request) -> String {
    let principal = request.extensions().get::<Principal>().unwrap();
    let token = principal.get::<VerifiedToken>().unwrap();
    format!("{} {}", scope.tenant_id(), token.subject())
}

#[tokio::test]
async fn they_are_judged_as_in_every_framework() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let app = get(whoami).into_endpoint().with(layer);
    judge(&ends, async |headers: Headers| {
        answered(&app, headers).await
    })
    .await;
}

#[tokio::test]
async fn authentication_in_two_places_is_an_internal_error() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let app = get(whoami).into_endpoint().with(layer).before(authenticate);
    let request = Request::builder()
        .header("authorization", bearer("acme"))
        .finish();
    let status = app.get_response(request).await.status();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(ends.take().is_empty(), "no scope was opened");
}
