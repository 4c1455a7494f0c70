//! Routes that say what they give access to.

use std::io;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use poem::http::StatusCode;
use poem::{Body, get, handler};
use tenancy_core::RequestView;
use tenancy_http_suite::stage::{User, ambient};
use tenancy_poem::{Central, CentralScope, TenantScope};

use crate::support::TestApp;

fn central(admits: bool) -> Central {
    Central::because("a test", move |request: &dyn RequestView| {
        admits && request.principal_as::<User>().is_some()
    })
}

#[handler]
fn why(scope: CentralScope) -> Body {
    assert_eq!(scope.reason(), "a test");
    assert_eq!(ambient(), "central");
    let chunks = stream::iter(0..1).map(|_| Ok::<_, io::Error>(Bytes::from(ambient())));
    Body::from_bytes_stream(chunks)
}

#[handler]
fn never(_: TenantScope) -> &'static str {
    "never"
}

#[handler]
fn option(scope: Option<TenantScope>) -> String {
    format!("{} {}", ambient(), scope.is_none())
}

#[tokio::test]
async fn a_central_route_has_a_central_scope_and_its_body_too() {
    let (app, ends) = TestApp::of(|routes| {
        routes
            .central("/why", central(true), get(why))
            .central("/barred", central(false), get(why))
            .tenant("/tenant", get(why))
            .central("/wrong", central(true), get(never))
    });
    let answer = app.text("", "/why").await;
    assert_eq!(answer, (StatusCode::OK, "central".to_owned()));
    let answer = app.text("", "/barred").await;
    assert_eq!(answer, (StatusCode::NOT_FOUND, "not found\n".to_owned()));
    for path in ["/tenant", "/wrong"] {
        let answer = app.text("acme", path).await;
        assert_eq!(answer.0, StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(
        ends.take().len(),
        1,
        "the tenant's route alone opened a tenant's scope"
    );
}

#[tokio::test]
async fn an_open_route_has_none() {
    let (app, ends) = TestApp::of(|routes| routes.open("/", get(option)));
    let answer = app.text("acme", "/").await;
    assert_eq!(answer, (StatusCode::OK, "none true".to_owned()));
    assert!(ends.take().is_empty());
}
