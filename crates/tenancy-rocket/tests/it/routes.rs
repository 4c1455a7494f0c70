//! Routes that say what they give access to.

use futures_util::stream::{self, StreamExt as _};
use rocket::http::Status;
use rocket::response::stream::TextStream;
use rocket::{get, routes};
use tenancy_core::RequestView;
use tenancy_http_suite::stage::{User, ambient};
use tenancy_rocket::{Central, CentralScope, Tenant, TenantScope};

use crate::support::TestApp;

fn central(admits: bool) -> Central {
    Central::because("a test", move |request: &dyn RequestView| {
        admits && request.principal_as::<User>().is_some()
    })
}

#[get("/why")]
fn why(scope: CentralScope) -> TextStream![String] {
    assert_eq!(scope.reason(), "a test");
    assert_eq!(ambient(), "central");
    TextStream(stream::iter(0..1).map(|_| ambient()))
}

#[get("/wrong")]
fn wrong(_scope: TenantScope) -> &'static str {
    "never"
}

#[get("/open")]
fn open(scope: Option<TenantScope>) -> String {
    format!("{} {}", ambient(), scope.is_none())
}

#[get("/name")]
fn name(tenant: Tenant) -> String {
    tenant.id().to_string()
}

#[rocket::async_test]
async fn a_central_route_has_a_central_scope_and_its_body_too() {
    let (app, ends) = TestApp::of(|routes| {
        routes
            .central("/", central(true), routes![why, wrong])
            .central("/barred", central(false), routes![why])
            .tenant("/tenant", routes![why, name])
    })
    .await;
    let answer = app.text("", "/why").await;
    assert_eq!(answer, (Status::Ok, "central".to_owned()));
    let answer = app.text("", "/barred/why").await;
    assert_eq!(answer, (Status::NotFound, "not found\n".to_owned()));
    for path in ["/tenant/why", "/wrong"] {
        let answer = app.text("acme", path).await;
        assert_eq!(answer.0, Status::InternalServerError);
    }
    assert_eq!(
        ends.take().len(),
        1,
        "the tenant's route alone opened a tenant's scope"
    );
    assert_eq!(app.text("globex", "/tenant/name").await.1, "globex");
}

#[rocket::async_test]
async fn an_open_route_has_none() {
    let (app, ends) = TestApp::of(|routes| routes.open("/", routes![open])).await;
    let answer = app.text("acme", "/open").await;
    assert_eq!(answer, (Status::Ok, "none true".to_owned()));
    assert!(ends.take().is_empty());
}
