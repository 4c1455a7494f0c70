//! The transaction of a request, and how it ends.

use std::io;
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::future::FutureExt as _;
use futures_util::stream;
use poem::http::{Method, StatusCode};
use poem::web::{Data, Path};
use poem::{Body, EndpointExt as _, Response, get, handler};
use tenancy_core::{Ending, RequestView, Tenancy, TenantScope as CoreScope};
use tenancy_http_suite::ledger::{
    Begun, Committed, Committing, Dropped, Ledger, NotCommitted, RolledBack,
};
use tenancy_http_suite::stage::{Ends, tenancy};
use tenancy_poem::{Central, Refused, Routes, TenancyLayer, TenantScope};

use crate::support::TestApp;

/// Two functions of a handler's write in one transaction.
async fn write(ledger: &Ledger, scope: &CoreScope) {
    for text in ["one", "two"] {
        ledger.write(scope, text).await.unwrap();
    }
}

#[handler]
async fn written(
    scope: TenantScope,
    Data(ledger): Data<&Ledger>,
    Path(status): Path<u16>,
) -> Response {
    write(ledger, &scope).await;
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("x-handlers-own", "kept")
        .finish()
}

#[handler]
async fn failed(scope: TenantScope, Data(ledger): Data<&Ledger>) -> poem::Result<String> {
    write(ledger, &scope).await;
    Err(poem::Error::from_status(StatusCode::CONFLICT))
}

/// Poem's errors may have any status.
#[handler]
async fn redirected(scope: TenantScope, Data(ledger): Data<&Ledger>) -> poem::Result<String> {
    write(ledger, &scope).await;
    Err(poem::Error::from_status(StatusCode::SEE_OTHER))
}

#[handler]
async fn panicked(
    scope: TenantScope,
    Data(ledger): Data<&Ledger>,
    Path(held): Path<bool>,
) -> String {
    write(ledger, &scope).await;
    if held {
        ledger.write_and_panic(&scope).await;
    }
    panic!("on purpose")
}

#[handler]
async fn never(scope: TenantScope, Data(ledger): Data<&Ledger>) -> String {
    write(ledger, &scope).await;
    std::future::pending().await
}

#[handler]
async fn kept(scope: TenantScope, Data(ledger): Data<&Ledger>) -> &'static str {
    ledger.keep(scope.into_inner()).await;
    "done"
}

#[handler]
async fn asked(scope: TenantScope, Data(ledger): Data<&Ledger>) -> String {
    format!("{:?}", ledger.why_not(&scope).await)
}

#[handler]
async fn central(Data(ledger): Data<&Ledger>, Data(tenancy): Data<&Tenancy>) -> String {
    format!("{:?}", ledger.why_not_in_central_work(tenancy).await)
}

#[handler]
async fn streamed(scope: TenantScope, Data(ledger): Data<&Ledger>) -> Body {
    write(ledger, &scope).await;
    let ledger = ledger.clone();
    let late = async move {
        let why = ledger.why_not(&CoreScope::current().unwrap()).await;
        Ok::<_, io::Error>(Bytes::from(format!("{why:?}")))
    };
    Body::from_bytes_stream(stream::once(late))
}

fn over(ledger: &Ledger, with: impl FnOnce(TenancyLayer) -> TenancyLayer) -> (TestApp, Ends) {
    let (tenancy, ends) = tenancy();
    let routes = Routes::new(with(TenancyLayer::new(tenancy.clone())))
        .tenant("/written/:status", get(written).post(written))
        .tenant("/failed", get(failed))
        .tenant("/redirected", get(redirected))
        .tenant("/panicked/:held", get(panicked))
        .tenant("/never", get(never))
        .tenant("/kept", get(kept))
        .tenant("/asked", get(asked))
        .tenant("/streamed", get(streamed))
        .tenant("/silent", poem::endpoint::make_sync(|_| "done"))
        .central(
            "/central",
            Central::because("a test", |_: &dyn RequestView| true),
            get(central),
        )
        .finish();
    let app = TestApp::routed(routes.data(ledger.clone()).data(tenancy));
    (app, ends)
}

/// With a transaction per request.
fn app(ledger: &Ledger) -> (TestApp, Ends) {
    over(ledger, TenancyLayer::transaction_per_request)
}

#[tokio::test]
async fn a_success_is_committed_before_its_head_is_there() {
    let ledger = Ledger::default();
    let (app, _) = app(&ledger);
    for (path, status) in [
        ("/written/101", 101),
        ("/written/200", 200),
        ("/written/204", 204),
        ("/written/303", 303),
    ] {
        let response = app.get("acme", path).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["x-handlers-own"], "kept");
        assert_eq!(ledger.take(), [Begun, Committed], "{status}");
    }
    ledger.hold_up_commits(true);
    let mut sent = Box::pin(app.get("globex", "/written/200"));
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
        let response = app.get("acme", path).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(ledger.take(), [Begun, RolledBack], "{path}");
    }
    assert!(ledger.saved().is_empty());
    assert_eq!(ends.take().len(), 4);
}

#[tokio::test]
async fn a_panic_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    for path in ["/panicked/false", "/panicked/true"] {
        let sent = AssertUnwindSafe(app.get("acme", path));
        assert!(sent.catch_unwind().await.is_err());
        assert_eq!(ledger.take(), [Begun, Dropped], "{path}");
        assert!(ends.only(Ending::Panicked));
    }
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn a_request_that_is_dropped_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    ledger.hold_up_commits(true);
    for path in ["/never", "/written/200"] {
        let mut sent = Box::pin(app.get("acme", path));
        for _ in 0..10 {
            assert!((&mut sent).now_or_never().is_none());
        }
        assert_eq!(ledger.take()[0], Begun);
        drop(sent);
        assert_eq!(ledger.take(), [Dropped], "{path}");
        assert!(ends.only(Ending::Dropped));
    }
    ledger.hold_up_commits(false);
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn what_is_not_saved_is_no_success() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    ledger.refuse_commits();
    for path in ["/written/200", "/written/303"] {
        let response = app.get("acme", path).await;
        assert_eq!(response.status().as_u16(), 500);
        assert!(!response.headers().contains_key("x-handlers-own"));
        let body = response.into_body().into_string().await;
        assert_eq!(body.unwrap(), "internal error\n");
        assert_eq!(ledger.take(), [Begun, NotCommitted]);
        assert!(ends.only(Ending::Failed));
    }
    let answer = app.get("acme", "/written/404").await;
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
    let answer = app.text("acme", "/kept").await;
    let internal = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(answer, (internal, "internal error\n".to_owned()));
    assert!(ends.only(Ending::Failed));
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
            let named = &request.headers()["x-tenant-id"];
            let path = request.original_uri().path();
            assert_eq!(request.uri().path(), path);
            let head = format!("{} {path} {named:?}", request.method());
            Response::builder()
                .status(StatusCode::IM_A_TEAPOT)
                .body(head)
        });
        layer.transaction_per_request()
    });
    ledger.refuse_commits();
    let response = app.send(Method::POST, "acme", "/written/200").await;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    let body = response.into_body().into_string().await;
    assert_eq!(body.unwrap(), "POST /written/200 \"acme\"");
}

#[tokio::test]
async fn without_the_option_and_in_central_work_there_is_none() {
    let ledger = Ledger::default();
    let (off, _) = over(&ledger, |layer| layer);
    let none = (StatusCode::OK, "Off".to_owned());
    assert_eq!(off.text("acme", "/asked").await, none);
    let (app, _) = app(&ledger);
    assert_eq!(app.text("", "/central").await, none);
    assert!(ledger.take().is_empty());
}

#[tokio::test]
async fn who_never_asks_begins_none() {
    let ledger = Ledger::default();
    ledger.refuse_commits();
    let (app, ends) = app(&ledger);
    let answer = app.text("acme", "/silent").await;
    assert_eq!(answer, (StatusCode::OK, "done".to_owned()));
    assert!(ledger.take().is_empty());
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn it_is_over_when_the_body_is_sent() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger);
    let answer = app.text("acme", "/streamed").await;
    assert_eq!(answer, (StatusCode::OK, "Over".to_owned()));
    assert_eq!(ledger.take(), [Begun, Committed]);
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn an_error_with_a_redirection_is_a_success() {
    let ledger = Ledger::default();
    let (app, _) = app(&ledger);
    let response = app.get("acme", "/redirected").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(ledger.take(), [Begun, Committed]);
    ledger.refuse_commits();
    let response = app.get("acme", "/redirected").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(ledger.take(), [Begun, NotCommitted]);
}
