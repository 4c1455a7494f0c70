//! The transaction of a request, and how it ends.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::{FutureExt, stream};
use http::{Method, StatusCode};
use tenancy_core::{Ending, RequestView, Tenancy, TenantScope as CoreScope};
use tenancy_http_suite::ledger::{
    Begun, Committed, Committing, Dropped, Ledger, NotCommitted, RolledBack,
};
use tenancy_tower::{Central, Refused, Routes, TenancyLayer, TenantScope};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Ends, Members, authenticate, request, send, status_and_text, tenancy, text};

/// Two functions of a handler's write in one transaction.
async fn write(ledger: &Ledger, scope: &CoreScope) {
    for text in ["one", "two"] {
        ledger.write(scope, text).await.unwrap();
    }
}

async fn written(
    scope: TenantScope,
    Extension(ledger): Extension<Ledger>,
    Path(status): Path<u16>,
) -> Response {
    write(&ledger, &scope).await;
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("x-handlers-own", "kept")
        .body(Body::empty())
        .unwrap()
}

async fn failed(
    scope: TenantScope,
    Extension(ledger): Extension<Ledger>,
) -> axum::response::Result<String> {
    write(&ledger, &scope).await;
    Err(StatusCode::CONFLICT.into())
}

async fn panicked(
    scope: TenantScope,
    Extension(ledger): Extension<Ledger>,
    Path(held): Path<bool>,
) -> String {
    write(&ledger, &scope).await;
    if held {
        ledger.write_and_panic(&scope).await;
    }
    panic!("on purpose")
}

async fn never(scope: TenantScope, Extension(ledger): Extension<Ledger>) -> String {
    write(&ledger, &scope).await;
    std::future::pending().await
}

async fn kept(scope: TenantScope, Extension(ledger): Extension<Ledger>) -> &'static str {
    ledger.keep(scope.into_inner()).await;
    "done"
}

async fn asked(scope: TenantScope, Extension(ledger): Extension<Ledger>) -> String {
    format!("{:?}", ledger.why_not(&scope).await)
}

async fn central(Extension(ledger): Extension<Ledger>, State(tenancy): State<Tenancy>) -> String {
    format!("{:?}", ledger.why_not_in_central_work(&tenancy).await)
}

async fn streamed(scope: TenantScope, Extension(ledger): Extension<Ledger>) -> Body {
    write(&ledger, &scope).await;
    let late = async move {
        let why = ledger.why_not(&CoreScope::current().unwrap()).await;
        Ok::<_, Infallible>(format!("{why:?}"))
    };
    Body::from_stream(stream::once(late))
}

fn over(ledger: &Ledger, with: impl FnOnce(TenancyLayer) -> TenancyLayer) -> (Router, Ends) {
    let (tenancy, ends) = tenancy();
    let routes = Routes::new(with(TenancyLayer::new(tenancy.clone())))
        .tenant("/written/{status}", get(written).post(written))
        .tenant("/failed", get(failed))
        .tenant("/panicked/{held}", get(panicked))
        .tenant("/never", get(never))
        .tenant("/kept", get(kept))
        .tenant("/asked", get(asked))
        .tenant("/streamed", get(streamed))
        .tenant("/silent", get(async || "done"))
        .central(
            "/central",
            Central::because("a test", |_: &dyn RequestView| true),
            get(central).with_state(tenancy),
        )
        .finish();
    let app = routes.layer(Extension(ledger.clone()));
    (app.layer(from_fn(authenticate)), ends)
}

/// With a transaction per request.
fn app(ledger: &Ledger) -> (Router, Ends) {
    over(ledger, TenancyLayer::transaction_per_request)
}

#[tokio::test]
async fn a_success_is_committed_before_its_head_is_there() {
    let ledger = Ledger::default();
    let (app, _) = app(&ledger);
    for status in [101, 200, 204, 303] {
        let response = send(&app, request("acme", &format!("/written/{status}"))).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["x-handlers-own"], "kept");
        assert_eq!(ledger.take(), [Begun, Committed], "{status}");
    }
    ledger.hold_up_commits(true);
    let mut sent = Box::pin(send(&app, request("globex", "/written/200")));
    for _ in 0..10 {
        assert!((&mut sent).now_or_never().is_none());
    }
    assert_eq!(ledger.take(), [Begun, Committing]);
    ledger.hold_up_commits(false);
    assert_eq!(sent.await.status(), StatusCode::OK);
    assert_eq!(ledger.take(), [Committed]);
    assert_eq!(
        ledger.saved()[6..],
        ["acme: one", "acme: two", "globex: one", "globex: two"]
    );
}

#[tokio::test]
async fn a_failure_is_rolled_back_before_its_head_is_there() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    for (path, status) in [
        ("/written/400", 400),
        ("/written/404", 404),
        ("/written/500", 500),
        ("/failed", 409),
    ] {
        let response = send(&app, request("acme", path)).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(ledger.take(), [Begun, RolledBack], "{path}");
    }
    assert!(ledger.saved().is_empty());
    assert_eq!(ends.all().len(), 4);
}

/// axum's handlers have none, and other services do. It goes with the scope.
#[tokio::test]
async fn an_error_of_the_service_rolls_back() {
    let ledger = Ledger::default();
    let (tenancy, ends) = tenancy();
    let its = ledger.clone();
    let service = service_fn(move |_| {
        let ledger = its.clone();
        async move {
            write(&ledger, &CoreScope::current().unwrap()).await;
            Err::<http::Response<Body>, _>("broken")
        }
    });
    let mut asked = request("acme", "/");
    asked.extensions_mut().insert(Members::principal("acme"));
    let layer = TenancyLayer::new(tenancy).transaction_per_request();
    let error = layer.layer(service).oneshot(asked).await.err();
    assert_eq!(error, Some("broken"));
    assert_eq!(ledger.take(), [Begun, Dropped]);
    assert_eq!(ends.of("acme"), [Ending::Failed]);
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn a_panic_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    for path in ["/panicked/false", "/panicked/true"] {
        let sent = AssertUnwindSafe(send(&app, request("acme", path)));
        assert!(sent.catch_unwind().await.is_err());
        assert_eq!(ledger.take(), [Begun, Dropped], "{path}");
    }
    assert_eq!(ends.of("acme"), [Ending::Panicked; 2]);
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn a_request_that_is_dropped_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    ledger.hold_up_commits(true);
    for path in ["/never", "/written/200"] {
        let mut sent = Box::pin(send(&app, request("acme", path)));
        for _ in 0..10 {
            assert!((&mut sent).now_or_never().is_none());
        }
        assert_eq!(ledger.take()[0], Begun);
        drop(sent);
        assert_eq!(ledger.take(), [Dropped], "{path}");
    }
    assert_eq!(ends.of("acme"), [Ending::Dropped; 2]);
    ledger.hold_up_commits(false);
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn what_is_not_saved_is_no_success() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    ledger.refuse_commits();
    for path in ["/written/200", "/written/303"] {
        let response = send(&app, request("acme", path)).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!response.headers().contains_key("x-handlers-own"));
        assert_eq!(text(response).await, "internal error\n");
        assert_eq!(ledger.take(), [Begun, NotCommitted]);
    }
    assert_eq!(ends.of("acme"), [Ending::Failed; 2]);
    let answer = send(&app, request("acme", "/written/404")).await;
    assert_eq!(
        answer.status(),
        StatusCode::NOT_FOUND,
        "nothing was to be saved"
    );
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn a_handle_that_is_still_held_saves_nothing() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    let answer = status_and_text(&app, request("acme", "/kept")).await;
    let internal = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(answer, (internal, "internal error\n".to_owned()));
    assert_eq!(ends.of("acme"), [Ending::Failed]);
    assert_eq!(ledger.take(), [Begun]);
    ledger.let_go().await;
    assert_eq!(ledger.take(), [Dropped]);
}

#[tokio::test]
async fn a_site_may_tell_of_what_is_not_saved_in_its_own_way() {
    let ledger = Ledger::default();
    let (app, _) = over(&ledger, |layer| {
        let layer = layer.on_refusal(|refused, request| {
            assert_eq!(refused, Refused::NotSaved);
            let named = &request.headers["x-tenant-id"];
            let head = format!("{} {} {named:?}", request.method, request.uri.path());
            http::Response::builder()
                .status(StatusCode::IM_A_TEAPOT)
                .body(head.into())
                .unwrap()
        });
        layer.transaction_per_request()
    });
    ledger.refuse_commits();
    let mut posted = request("acme", "/written/200");
    *posted.method_mut() = Method::POST;
    let answer = status_and_text(&app, posted).await;
    let told = "POST /written/200 \"acme\"".to_owned();
    assert_eq!(answer, (StatusCode::IM_A_TEAPOT, told));
}

#[tokio::test]
async fn without_the_option_and_in_central_work_there_is_none() {
    let ledger = Ledger::default();
    let (off, _) = over(&ledger, |layer| layer);
    let none = (StatusCode::OK, "Off".to_owned());
    assert_eq!(status_and_text(&off, request("acme", "/asked")).await, none);
    let (app, _) = app(&ledger);
    assert_eq!(status_and_text(&app, request("", "/central")).await, none);
    assert!(ledger.take().is_empty());
}

#[tokio::test]
async fn who_never_asks_begins_none() {
    let ledger = Ledger::default();
    ledger.refuse_commits();
    let (app, ends) = app(&ledger);
    let answer = status_and_text(&app, request("acme", "/silent")).await;
    assert_eq!(answer, (StatusCode::OK, "done".to_owned()));
    assert!(ledger.take().is_empty());
    assert_eq!(ends.of("acme"), [Ending::Completed]);
}

#[tokio::test]
async fn it_is_over_when_the_body_is_sent() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    let answer = status_and_text(&app, request("acme", "/streamed")).await;
    assert_eq!(answer, (StatusCode::OK, "Over".to_owned()));
    assert_eq!(ledger.take(), [Begun, Committed]);
    assert_eq!(ends.of("acme"), [Ending::Completed]);
}

#[tokio::test]
async fn no_mapper_makes_a_success_of_what_is_not_saved() {
    let ledger = Ledger::default();
    let (app, _) = over(&ledger, |layer| {
        let to_login = |_: Refused, _: &http::request::Parts| {
            let mut answer = http::Response::new(bytes::Bytes::new());
            *answer.status_mut() = StatusCode::SEE_OTHER;
            answer
        };
        layer.on_refusal(to_login).transaction_per_request()
    });
    ledger.refuse_commits();
    let response = send(&app, request("acme", "/written/200")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
