//! What a client is told whose request is not served.

use std::io::Cursor;

use rocket::http::Status;
use rocket::{Response, get, routes};
use tenancy_http_suite::stage::tenancy;
use tenancy_rocket::{Refused, Routes, TenancyLayer};

use crate::support::{TestApp, rocket};

#[get("/")]
fn served() -> &'static str {
    "served"
}

#[rocket::async_test]
async fn unknown_suspended_and_forbidden_are_one_answer() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![served])).await;
    let mut answers = Vec::new();
    for tenant in ["nobody", "sleepy", "private"] {
        let response = app.get(tenant, "/").await;
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|header| header.to_string())
            .collect();
        answers.push((response.status(), headers, response.into_string().await));
    }
    assert_eq!(answers[0].0, Status::NotFound);
    assert_eq!(answers[0].2.as_deref(), Some("not found\n"));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(ends.take().is_empty());
}

#[rocket::async_test]
async fn a_site_may_answer_in_its_own_way_and_learns_no_more() {
    let (tenancy, _) = tenancy();
    let layer = TenancyLayer::new(tenancy).on_refusal(|refused, request| {
        assert_eq!(request.uri().path(), "/");
        assert_ne!(refused, Refused::TryLater);
        let text = format!("{refused:?}");
        let mut response = Response::build();
        response.status(Status::ImATeapot);
        response
            .sized_body(text.len(), Cursor::new(text))
            .finalize()
    });
    let routes = Routes::new(layer).tenant("/", routes![served]);
    let app = TestApp::launched(rocket().attach(routes)).await;
    for tenant in ["nobody", "sleepy", "private"] {
        let answer = app.text(tenant, "/").await;
        assert_eq!(answer, (Status::ImATeapot, "NotFound".to_owned()));
    }
    assert_eq!(app.text("NOT AN ID", "/").await.1, "NoTenant");
}
