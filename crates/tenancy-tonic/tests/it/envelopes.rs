//! Scopes that another service handed over.

use http::request::Builder;
use tenancy_core::{Ending, MemoryStore, Tenancy};
use tenancy_http_suite::envelopes::{SERVICE, Stage};
use tenancy_tonic::{TenancyLayer, TenancyRequest as _};
use tonic::{Code, Request, Response, Status};

use crate::support::{Answered, Served, TestApp, asking, read, unary};

/// What the handler sees: whose scope, and whether the envelope.
async fn whoami(request: Request<String>) -> Answered<String> {
    let shown = request.metadata().contains_key("tenancy-scope");
    let scope = request.tenant_scope()?;
    Ok(Response::new(format!("{} {shown}", scope.tenant_id())))
}

fn served() -> Served {
    unary(whoami)
}

fn app(stage: &Stage) -> TestApp {
    let layer = TenancyLayer::from_envelopes(stage.tenancy.clone(), SERVICE).unwrap();
    TestApp::unauthenticated(layer, served())
}

fn with(envelope: impl AsRef<[u8]>) -> Builder {
    asking(0).header("tenancy-scope", envelope.as_ref())
}

async fn answer(app: &TestApp, head: Builder) -> (Vec<String>, Status) {
    read(app.send(head, &["ask"]).await).await
}

#[tokio::test]
async fn the_scope_is_the_envelopes_and_the_handler_never_sees_it() {
    let stage = Stage::new();
    let app = app(&stage);
    let envelope = stage.sealed("acme").await;
    let (texts, status) = answer(&app, with(&envelope)).await;
    assert_eq!(status.code(), Code::Ok);
    assert_eq!(texts, ["acme false"]);
    assert!(stage.ends.only(Ending::Completed));
}

#[tokio::test]
async fn bad_envelopes_are_answered_as_an_unknown_tenant() {
    let stage = Stage::new();
    let app = app(&stage);
    let mut answers = Vec::new();
    for (what, values) in stage.bad().await {
        let head = values
            .iter()
            .fold(asking(0), |head, value| head.header("tenancy-scope", value));
        answers.push((what, answer(&app, head).await.1));
    }
    let envelope = stage.sealed("acme").await;
    stage.pass(60);
    let replayed = answer(&app, with(&envelope)).await.1;
    answers.push(("replayed after its time", replayed));
    answers.push(("not UTF-8", answer(&app, with(b"\xff")).await.1));
    for (what, status) in &answers {
        assert_eq!(status.code(), Code::NotFound, "{what}");
        assert_eq!(status.message(), "not found", "{what}");
    }
    assert!(stage.ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn what_is_named_beside_it_must_be_the_same_tenant() {
    let stage = Stage::new();
    let app = app(&stage);
    let envelope = stage.sealed("acme").await;
    for (named, code) in [
        ("globex", Code::NotFound),
        ("nobody", Code::NotFound),
        ("acme", Code::Ok),
    ] {
        let head = with(&envelope).header("x-tenant-id", named);
        assert_eq!(answer(&app, head).await.1.code(), code, "{named}");
    }
}

#[tokio::test]
async fn without_one_a_call_names_no_tenant() {
    let stage = Stage::new();
    let app = app(&stage);
    for head in [asking(0), asking(0).header("x-tenant-id", "acme")] {
        assert_eq!(answer(&app, head).await.1.code(), Code::InvalidArgument);
    }
    assert!(stage.ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn a_service_that_takes_none_does_not_look_at_them() {
    let stage = Stage::new();
    let app = TestApp::unauthenticated(TenancyLayer::new(stage.tenancy.clone()), served());
    let envelope = stage.sealed("acme").await;
    let alone = answer(&app, with(&envelope)).await.1;
    assert_eq!(alone.code(), Code::InvalidArgument);
    // Named, too, it is a stranger's: no member.
    let head = with(&envelope).header("x-tenant-id", "acme");
    assert_eq!(answer(&app, head).await.1.code(), Code::NotFound);
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
