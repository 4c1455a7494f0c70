//! Callers with tokens, which the layer itself verifies.

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{ReqData, get};
use actix_web::{App, dev::Service as _};
use tenancy_actix_web::{Principal, TenancyLayer, TenantScope, VerifiedToken};
use tenancy_http_suite::stage::Headers;
use tenancy_http_suite::tokens::{bearer, judge, jwt, tenancy};

use crate::support::{INTERNAL, answered, authenticate};

async fn whoami(scope: TenantScope, principal: ReqData<Principal>) -> String {
    let token = principal.get::<VerifiedToken>().unwrap();
    format!("{} {}", scope.tenant_id(), token.subject())
}

#[actix_web::test]
async fn they_are_judged_as_in_every_framework() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let app = init_service(App::new().route("/", get().to(whoami)).wrap(layer)).await;
    judge(&ends, async |headers: Headers| {
        answered(&app, headers, TestRequest::to_request).await
    })
    .await;
}

#[actix_web::test]
async fn authentication_in_two_places_is_an_internal_error() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let app = App::new().route("/", get().to(whoami)).wrap(layer);
    let app = init_service(app.wrap(from_fn(authenticate))).await;
    let request = TestRequest::get().insert_header(("authorization", bearer("acme")));
    let response = app.call(request.to_request()).await.unwrap();
    assert_eq!(response.status().as_u16(), INTERNAL);
    assert!(ends.take().is_empty(), "no scope was opened");
}
