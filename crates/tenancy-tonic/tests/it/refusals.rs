//! What a client is told whose call is not served.

use std::sync::{Arc, Mutex};

use http_body::Body as _;
use tenancy_http_suite::stage::tenancy;
use tenancy_tonic::{Refused, Routes, TenancyLayer};
use tonic::{Code, Request, Response, Status};

use crate::support::{Answered, Served, TestApp, asking, read, unary};

fn served() -> Served {
    unary(async |_: Request<String>| -> Answered<String> { Ok(Response::new("served".into())) })
}

#[tokio::test]
async fn unknown_suspended_and_forbidden_are_one_answer() {
    let (app, ends) = TestApp::serving(served());
    let mut answers = Vec::new();
    for tenant in ["nobody", "sleepy", "private"] {
        let (parts, body) = app.call(tenant, 0, &[""]).await.into_parts();
        assert!(body.is_end_stream(), "a status is all");
        answers.push((parts.status, parts.version, parts.headers));
    }
    let (status, _, headers) = &answers[0];
    assert_eq!(*status, http::StatusCode::OK);
    assert_eq!(headers["grpc-status"], "5");
    assert_eq!(headers["grpc-message"], "not%20found");
    assert_eq!(headers["content-type"], "application/grpc");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(ends.take().is_empty());
}

#[tokio::test]
async fn a_call_that_does_not_name_one_tenant_is_an_invalid_argument() {
    let (app, ends) = TestApp::serving(served());
    let twice = ["acme", "acme"]
        .into_iter()
        .fold(asking(0), |head, tenant| head.header("x-tenant-id", tenant));
    for head in [
        asking(0),
        twice,
        asking(0).header("x-tenant-id", "acme,globex"),
        asking(0).header("x-tenant-id", "ACME"),
        asking(0).header("x-tenant-id", &b"acm\xff"[..]),
        asking(0).header("x-tenant-id-bin", "acme"),
    ] {
        let (_, status) = read(app.send(head, &[""]).await).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "this request does not name one tenant");
    }
    assert!(ends.take().is_empty());
}

/// Refuses with what `answer` says, and remembers what it was told.
fn refusing(answer: fn(Refused) -> Status) -> (TestApp, Arc<Mutex<Vec<Refused>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let (tenancy, _) = tenancy();
    let layer = TenancyLayer::new(tenancy).on_refusal(move |refused, request| {
        assert_eq!(request.uri.path(), "/test.Zero/Call");
        tell.lock().unwrap().push(refused);
        answer(refused)
    });
    let routes = Routes::new(layer).tenant(served());
    (TestApp::routed(routes.finish()), told)
}

#[tokio::test]
async fn a_site_may_answer_in_its_own_way_and_learns_no_more() {
    let (app, told) = refusing(|_| Status::unauthenticated("who are you?"));
    for tenant in ["nobody", "sleepy", "private", "NOT AN ID"] {
        let (_, status) = app.texts(tenant, &[""]).await;
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.message(), "who are you?");
    }
    let told = told.lock().unwrap();
    let same = [Refused::NotFound; 3];
    assert_eq!(*told, [&same[..], &[Refused::NoTenant]].concat());
}

#[tokio::test]
async fn no_refusal_is_passed_off_as_an_empty_answer() {
    let (app, _) = refusing(|_| Status::ok("come in"));
    let (_, status) = app.texts("nobody", &[""]).await;
    assert_eq!(
        (status.code(), status.message()),
        (Code::NotFound, "not found")
    );
    assert_eq!(app.texts("acme", &[""]).await.0, ["served"]);
}
