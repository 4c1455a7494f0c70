//! What a client is told whose request is not served.

use poem::Response;
use poem::http::StatusCode;
use tenancy_http_suite::stage::tenancy;
use tenancy_poem::{Refused, Routes, TenancyLayer};

use crate::support::TestApp;

#[tokio::test]
async fn unknown_suspended_and_forbidden_are_one_answer() {
    let served = poem::endpoint::make_sync(|_| "served");
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", served));
    let mut answers = Vec::new();
    for tenant in ["nobody", "sleepy", "private"] {
        let (parts, body) = app.get(tenant, "/").await.into_parts();
        let body = body.into_string().await.unwrap();
        answers.push((parts.status, parts.headers, body));
    }
    assert_eq!(answers[0].0, StatusCode::NOT_FOUND);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(ends.take().is_empty());
}

#[tokio::test]
async fn a_site_may_answer_in_its_own_way_and_learns_no_more() {
    let (tenancy, _) = tenancy();
    let layer = TenancyLayer::new(tenancy).on_refusal(|refused, request| {
        assert_eq!(request.original_uri().path(), "/");
        assert_ne!(refused, Refused::TryLater);
        Response::builder()
            .status(StatusCode::IM_A_TEAPOT)
            .body(format!("{refused:?}"))
    });
    let served = poem::endpoint::make_sync(|_| "served");
    let app = TestApp::routed(Routes::new(layer).tenant("/", served).finish());
    for tenant in ["nobody", "sleepy", "private"] {
        let answer = app.text(tenant, "/").await;
        assert_eq!(answer, (StatusCode::IM_A_TEAPOT, "NotFound".to_owned()));
    }
    assert_eq!(app.text("NOT AN ID", "/").await.1, "NoTenant");
}
