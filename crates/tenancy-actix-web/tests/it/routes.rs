//! Routes that say what they give access to.

use std::convert::Infallible;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, resource};
use futures_util::stream::{self, StreamExt as _};
use tenancy_actix_web::{Central, CentralScope, TenantScope};
use tenancy_core::RequestView;
use tenancy_http_suite::stage::{User, ambient};

use crate::support::{INTERNAL, TestApp};

fn central(admits: bool) -> Central {
    Central::because("a test", move |request: &dyn RequestView| {
        admits && request.principal_as::<User>().is_some()
    })
}

async fn why(scope: CentralScope) -> HttpResponse {
    assert_eq!(scope.reason(), "a test");
    assert_eq!(ambient(), "central");
    let chunks = stream::iter(0..1).map(|_| Ok::<_, Infallible>(Bytes::from(ambient())));
    HttpResponse::Ok().streaming(chunks)
}

#[actix_web::test]
async fn a_central_route_has_a_central_scope_and_its_body_too() {
    let (app, ends) = TestApp::of(|routes| {
        routes
            .central(central(true), resource("/why").get(why))
            .central(central(false), resource("/barred").get(why))
            .tenant(resource("/tenant").get(why))
            .central(
                central(true),
                resource("/wrong").get(async |_: TenantScope| "never"),
            );
    })
    .await;
    assert_eq!(app.text("", "/why").await, (200, "central".to_owned()));
    assert_eq!(
        app.text("", "/barred").await,
        (404, "not found\n".to_owned())
    );
    assert_eq!(app.text("acme", "/tenant").await.0, INTERNAL);
    assert_eq!(app.text("acme", "/wrong").await.0, INTERNAL);
    assert_eq!(
        ends.take().len(),
        1,
        "the tenant's route alone opened a tenant's scope"
    );
}

#[actix_web::test]
async fn an_open_route_has_none() {
    let (app, ends) = TestApp::of(|routes| {
        routes.open(resource("/open").get(async || ambient())).open(
            resource("/option")
                .get(async |scope: Option<TenantScope>| format!("{}", scope.is_none())),
        );
    })
    .await;
    assert_eq!(app.text("acme", "/open").await, (200, "none".to_owned()));
    assert_eq!(app.text("acme", "/option").await, (200, "true".to_owned()));
    assert!(ends.take().is_empty());
}
