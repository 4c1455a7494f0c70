//! Scopes that another service handed over.

use actix_web::test::{TestRequest, init_service};
use actix_web::web::get;
use actix_web::{App, HttpRequest};
use tenancy_actix_web::{TenancyLayer, TenantScope};
use tenancy_core::{MemoryStore, Tenancy};
use tenancy_http_suite::envelopes::{SERVICE, Stage, judge, judge_ignored};
use tenancy_http_suite::stage::Headers;

use crate::support::answered;

async fn whoami(scope: TenantScope, request: HttpRequest) -> String {
    let shown = request.headers().contains_key("tenancy-scope");
    assert!(!shown, "it is used up");
    scope.tenant_id().to_string()
}

#[actix_web::test]
async fn they_are_judged_as_in_every_framework() {
    let stage = Stage::new();
    let layer = TenancyLayer::from_envelopes(stage.tenancy.clone(), SERVICE).unwrap();
    let app = init_service(App::new().route("/", get().to(whoami)).wrap(layer)).await;
    judge(&stage, async |headers: Headers| {
        answered(&app, headers, TestRequest::to_request).await
    })
    .await;
}

#[actix_web::test]
async fn a_service_that_takes_none_does_not_look_at_them() {
    let stage = Stage::new();
    let layer = TenancyLayer::new(stage.tenancy.clone());
    let app = init_service(App::new().route("/", get().to(whoami)).wrap(layer)).await;
    judge_ignored(&stage, async |headers: Headers| {
        answered(&app, headers, TestRequest::to_request).await
    })
    .await;
}

#[test]
fn what_could_not_work_is_found_at_the_start() {
    assert!(TenancyLayer::from_envelopes(Stage::new().tenancy, "Not a name").is_err());
    let no_keys = Tenancy::builder(MemoryStore::default())
        .without_requests()
        .build();
    assert!(TenancyLayer::from_envelopes(no_keys, SERVICE).is_err());
}
