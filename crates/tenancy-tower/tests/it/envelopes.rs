//! Scopes that another service handed over.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::request::Builder;
use http::{HeaderMap, StatusCode};
use tenancy_core::{Ending, MemoryStore, Tenancy};
use tenancy_http_suite::envelopes::{SERVICE, Stage};
use tenancy_tower::{TenancyLayer, TenantScope};

use crate::support::{send, text};

/// What the handler sees: whose scope, and whether the envelope.
async fn whoami(scope: TenantScope, headers: HeaderMap) -> String {
    let shown = headers.contains_key("tenancy-scope");
    format!("{} {shown}", scope.tenant_id())
}

fn app(stage: &Stage) -> Router {
    let layer = TenancyLayer::from_envelopes(stage.tenancy.clone(), SERVICE).unwrap();
    Router::new().route("/", get(whoami)).layer(layer)
}

fn with(envelope: impl AsRef<[u8]>) -> Builder {
    Request::get("/").header("tenancy-scope", envelope.as_ref())
}

async fn answer(app: &Router, request: Builder) -> (StatusCode, HeaderMap, String) {
    let response = send(app, request.body(Body::empty()).unwrap()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, text(response).await)
}

#[tokio::test]
async fn the_scope_is_the_envelopes_and_the_handler_never_sees_it() {
    let stage = Stage::new();
    let app = app(&stage);
    let envelope = stage.sealed("acme").await;
    let served = answer(&app, with(&envelope)).await;
    assert_eq!(
        (served.0, served.2),
        (StatusCode::OK, "acme false".to_owned())
    );
    assert!(stage.ends.only(Ending::Completed));
}

#[tokio::test]
async fn bad_envelopes_are_answered_as_an_unknown_tenant() {
    let stage = Stage::new();
    let app = app(&stage);
    let bad = stage.bad().await;
    let mut answers = Vec::new();
    for (what, values) in bad {
        let request = values.iter().fold(Request::get("/"), |request, value| {
            request.header("tenancy-scope", value)
        });
        answers.push((what, answer(&app, request).await));
    }
    let envelope = stage.sealed("acme").await;
    stage.pass(59);
    assert_eq!(answer(&app, with(&envelope)).await.0, StatusCode::OK);
    stage.ends.take();
    stage.pass(1);
    answers.push((
        "replayed after its time",
        answer(&app, with(&envelope)).await,
    ));
    answers.push(("not UTF-8", answer(&app, with(b"\xff")).await));
    for (what, answer) in &answers {
        assert_eq!(answer.0, StatusCode::NOT_FOUND, "{what}");
        assert_eq!(answer, &answers[0].1, "{what}");
    }
    assert!(stage.ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn what_is_named_beside_it_must_be_the_same_tenant() {
    let stage = Stage::new();
    let app = app(&stage);
    let envelope = stage.sealed("acme").await;
    for named in ["globex", "nobody", "sleepy", "NOT AN ID"] {
        let request = with(&envelope).header("x-tenant-id", named);
        assert_eq!(
            answer(&app, request).await.0,
            StatusCode::NOT_FOUND,
            "{named}"
        );
    }
    let twice = with(&envelope)
        .header("x-tenant-id", "acme")
        .header("x-tenant-id", "acme");
    assert_eq!(answer(&app, twice).await.0, StatusCode::NOT_FOUND);
    assert!(stage.ends.take().is_empty(), "no scope was opened");
    let request = with(&envelope).header("x-tenant-id", "acme");
    assert_eq!(answer(&app, request).await.0, StatusCode::OK);
}

#[tokio::test]
async fn without_one_a_request_names_no_tenant() {
    let stage = Stage::new();
    let app = app(&stage);
    for request in [
        Request::get("/"),
        Request::get("/").header("x-tenant-id", "acme"),
    ] {
        assert_eq!(answer(&app, request).await.0, StatusCode::BAD_REQUEST);
    }
    assert!(stage.ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn a_service_that_takes_none_does_not_look_at_them() {
    let stage = Stage::new();
    let layer = TenancyLayer::new(stage.tenancy.clone());
    let app = Router::new().route("/", get(whoami)).layer(layer);
    let envelope = stage.sealed("acme").await;
    assert_eq!(
        answer(&app, with(&envelope)).await.0,
        StatusCode::BAD_REQUEST
    );
    // Named, too, it is a stranger's: no member.
    let request = with(&envelope).header("x-tenant-id", "acme");
    assert_eq!(answer(&app, request).await.0, StatusCode::NOT_FOUND);
    assert!(stage.ends.take().is_empty(), "no scope was opened");
}

#[test]
fn what_could_not_work_is_found_at_the_start() {
    let stage = Stage::new();
    assert!(TenancyLayer::from_envelopes(stage.tenancy, "Not a name").is_err());
    let no_keys = Tenancy::builder(MemoryStore::default())
        .without_requests()
        .build();
    assert!(TenancyLayer::from_envelopes(no_keys, SERVICE).is_err());
}
