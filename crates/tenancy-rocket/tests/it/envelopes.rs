//! Scopes that another service handed over.

use rocket::local::asynchronous::Client;
use rocket::{get, routes};
use tenancy_core::{MemoryStore, Tenancy};
use tenancy_http_suite::envelopes::{SERVICE, Stage, judge, judge_ignored};
use tenancy_http_suite::stage::Headers;
use tenancy_rocket::{Routes, TenancyLayer, TenantScope};

use crate::support::{answered, unauthenticated};

#[get("/")]
fn whoami(scope: TenantScope) -> String {
    scope.tenant_id().to_string()
}

async fn client(layer: TenancyLayer) -> Client {
    let routes = Routes::new(layer).tenant("/", routes![whoami]);
    Client::untracked(unauthenticated().attach(routes))
        .await
        .unwrap()
}

#[rocket::async_test]
async fn they_are_judged_as_in_every_framework() {
    let stage = Stage::new();
    let layer = TenancyLayer::from_envelopes(stage.tenancy.clone(), SERVICE).unwrap();
    let client = client(layer).await;
    judge(&stage, async |headers: Headers| {
        answered(&client, headers).await
    })
    .await;
}

#[rocket::async_test]
async fn a_service_that_takes_none_does_not_look_at_them() {
    let stage = Stage::new();
    let client = client(TenancyLayer::new(stage.tenancy.clone())).await;
    judge_ignored(&stage, async |headers: Headers| {
        answered(&client, headers).await
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
