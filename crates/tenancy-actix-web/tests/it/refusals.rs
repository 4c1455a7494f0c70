//! What a client is told whose request is not served.

use actix_web::HttpResponse;
use actix_web::body::to_bytes;
use actix_web::web::resource;
use tenancy_actix_web::{Refused, Routes, TenancyLayer};
use tenancy_http_suite::stage::tenancy;

use crate::support::TestApp;

#[actix_web::test]
async fn unknown_suspended_and_forbidden_are_one_answer() {
    let (app, ends) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(async || "served"));
    })
    .await;
    let mut answers = Vec::new();
    for tenant in ["nobody", "sleepy", "private"] {
        let response = app.get(tenant, "/").await;
        let mut headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let status = response.status();
        answers.push((
            status,
            headers,
            to_bytes(response.into_body()).await.unwrap(),
        ));
    }
    assert_eq!(answers[0].0.as_u16(), 404);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(ends.take().is_empty());
}

#[actix_web::test]
async fn a_site_may_answer_in_its_own_way_and_learns_no_more() {
    let (tenancy, _) = tenancy();
    let app = TestApp::configured(|config| {
        let layer = TenancyLayer::new(tenancy).on_refusal(|refused, request| {
            assert_eq!(request.path(), "/");
            assert_ne!(refused, Refused::TryLater);
            HttpResponse::ImATeapot().body(format!("{refused:?}"))
        });
        Routes::of(config, layer).tenant(resource("/").get(async || "served"));
    })
    .await;
    for tenant in ["nobody", "sleepy", "private"] {
        assert_eq!(app.text(tenant, "/").await, (418, "NotFound".to_owned()));
    }
    assert_eq!(app.text("NOT AN ID", "/").await.1, "NoTenant");
}
