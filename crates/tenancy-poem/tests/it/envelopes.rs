//! Scopes that another service handed over.

use poem::http::HeaderMap;
use poem::{EndpointExt as _, IntoEndpoint as _, get, handler};
use tenancy_core::{MemoryStore, Tenancy};
use tenancy_http_suite::envelopes::{SERVICE, Stage, judge, judge_ignored};
use tenancy_http_suite::stage::Headers;
use tenancy_poem::{TenancyLayer, TenantScope};

use crate::support::answered;

#[handler]
fn whoami(scope: TenantScope, headers: &HeaderMap) -> String {
    assert!(!headers.contains_key("tenancy-scope"), "it is used up");
    scope.tenant_id().to_string()
}

#[tokio::test]
async fn they_are_judged_as_in_every_framework() {
    let stage = Stage::new();
    let layer = TenancyLayer::from_envelopes(stage.tenancy.clone(), SERVICE).unwrap();
    let app = get(whoami).into_endpoint().with(layer);
    judge(&stage, async |headers: Headers| {
        answered(&app, headers).await
    })
    .await;
}

#[tokio::test]
async fn a_service_that_takes_none_does_not_look_at_them() {
    let stage = Stage::new();
    let layer = TenancyLayer::new(stage.tenancy.clone());
    let app = get(whoami).into_endpoint().with(layer);
    judge_ignored(&stage, async |headers: Headers| {
        answered(&app, headers).await
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
