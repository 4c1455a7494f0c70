//! The transaction of a request, and how it ends.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Bytes, Data, Path, resource};
use actix_web::{Error, HttpResponse, error};
use futures_util::future::FutureExt as _;
use futures_util::stream;
use tenancy_actix_web::{Central, Refused, Routes, TenancyLayer, TenantScope};
use tenancy_core::{Ending, RequestView, Tenancy, TenantScope as CoreScope};
use tenancy_http_suite::ledger::{
    Begun, Committed, Committing, Dropped, Ledger, NotCommitted, RolledBack,
};
use tenancy_http_suite::stage::{Ends, tenancy};

use crate::support::TestApp;

/// Two functions of a handler's write in one transaction.
async fn write(ledger: &Ledger, scope: &CoreScope) {
    for text in ["one", "two"] {
        ledger.write(scope, text).await.unwrap();
    }
}

async fn written(scope: TenantScope, ledger: Data<Ledger>, status: Path<u16>) -> HttpResponse {
    write(&ledger, &scope).await;
    HttpResponse::build(StatusCode::from_u16(*status).unwrap())
        .insert_header(("x-handlers-own", "kept"))
        .finish()
}

async fn failed(scope: TenantScope, ledger: Data<Ledger>) -> actix_web::Result<String> {
    write(&ledger, &scope).await;
    Err(error::ErrorConflict("on purpose"))
}

async fn written_and_done(scope: TenantScope, ledger: Data<Ledger>) -> &'static str {
    write(&ledger, &scope).await;
    "done"
}

/// A middleware's errors may have any status.
async fn redirected(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    next.call(request).await?;
    let elsewhere = HttpResponse::SeeOther().finish();
    Err(error::InternalError::from_response("elsewhere", elsewhere).into())
}

async fn panicked(scope: TenantScope, ledger: Data<Ledger>, held: Path<bool>) -> String {
    write(&ledger, &scope).await;
    if *held {
        ledger.write_and_panic(&scope).await;
    }
    panic!("on purpose")
}

async fn never(scope: TenantScope, ledger: Data<Ledger>) -> String {
    write(&ledger, &scope).await;
    std::future::pending().await
}

async fn kept(scope: TenantScope, ledger: Data<Ledger>) -> &'static str {
    ledger.keep(scope.into_inner()).await;
    "done"
}

async fn asked(scope: TenantScope, ledger: Data<Ledger>) -> String {
    format!("{:?}", ledger.why_not(&scope).await)
}

async fn central(ledger: Data<Ledger>, tenancy: Data<Tenancy>) -> String {
    format!("{:?}", ledger.why_not_in_central_work(&tenancy).await)
}

async fn streamed(scope: TenantScope, ledger: Data<Ledger>) -> HttpResponse {
    write(&ledger, &scope).await;
    let late = async move {
        let why = ledger.why_not(&CoreScope::current().unwrap()).await;
        Ok::<_, Infallible>(Bytes::from(format!("{why:?}")))
    };
    HttpResponse::Ok().streaming(Box::pin(stream::once(late)))
}

async fn over(ledger: &Ledger, with: impl FnOnce(TenancyLayer) -> TenancyLayer) -> (TestApp, Ends) {
    let (tenancy, ends) = tenancy();
    let app = TestApp::configured(|config| {
        config
            .app_data(Data::new(ledger.clone()))
            .app_data(Data::new(tenancy.clone()));
        Routes::of(config, with(TenancyLayer::new(tenancy)))
            .tenant(resource("/written/{status}").get(written).post(written))
            .tenant(resource("/failed").get(failed))
            .tenant(
                resource("/redirected")
                    .get(written_and_done)
                    .wrap(from_fn(redirected)),
            )
            .tenant(resource("/panicked/{held}").get(panicked))
            .tenant(resource("/never").get(never))
            .tenant(resource("/kept").get(kept))
            .tenant(resource("/asked").get(asked))
            .tenant(resource("/streamed").get(streamed))
            .tenant(resource("/silent").get(async || "done"))
            .central(
                Central::because("a test", |_: &dyn RequestView| true),
                resource("/central").get(central),
            );
    });
    (app.await, ends)
}

/// With a transaction per request.
async fn app(ledger: &Ledger) -> (TestApp, Ends) {
    over(ledger, TenancyLayer::transaction_per_request).await
}

#[actix_web::test]
async fn a_success_is_committed_before_its_head_is_there() {
    let ledger = Ledger::default();
    let (app, _) = app(&ledger).await;
    for status in [101, 200, 204, 303] {
        let response = app.get("acme", &format!("/written/{status}")).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers().get("x-handlers-own").unwrap(), "kept");
        assert_eq!(ledger.take(), [Begun, Committed], "{status}");
    }
    ledger.hold_up_commits(true);
    let mut sent = app.send(Method::GET, "globex", "/written/200");
    for _ in 0..10 {
        assert!((&mut sent).now_or_never().is_none());
    }
    assert_eq!(ledger.take(), [Begun, Committing]);
    ledger.hold_up_commits(false);
    assert_eq!(sent.await.unwrap().status().as_u16(), 200);
    assert_eq!(ledger.take(), [Committed]);
    assert_eq!(
        ledger.saved()[6..],
        ["acme: one", "acme: two", "globex: one", "globex: two"]
    );
}

#[actix_web::test]
async fn a_failure_is_rolled_back_before_its_head_is_there() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
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

#[actix_web::test]
async fn a_panic_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    for held in [false, true] {
        let path = format!("/panicked/{held}");
        let sent = app.send(Method::GET, "acme", &path);
        assert!(AssertUnwindSafe(sent).catch_unwind().await.is_err());
        assert_eq!(ledger.take(), [Begun, Dropped], "{held}");
        assert!(ends.only(Ending::Panicked));
    }
    assert!(ledger.saved().is_empty());
}

#[actix_web::test]
async fn a_request_that_is_dropped_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    ledger.hold_up_commits(true);
    for path in ["/never", "/written/200"] {
        let mut sent = app.send(Method::GET, "acme", path);
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

#[actix_web::test]
async fn what_is_not_saved_is_no_success() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    ledger.refuse_commits();
    for path in ["/written/200", "/written/303"] {
        let response = app.get("acme", path).await;
        assert!(!response.headers().contains_key("x-handlers-own"));
        let answer = crate::support::text(response).await;
        assert_eq!(answer, (500, "internal error\n".to_owned()));
        assert_eq!(ledger.take(), [Begun, NotCommitted]);
        assert!(ends.only(Ending::Failed));
    }
    let answer = app.text("acme", "/written/404").await;
    assert_eq!(answer.0, 404, "nothing was to be saved");
    assert!(ledger.saved().is_empty());
}

#[actix_web::test]
async fn a_handle_that_is_still_held_saves_nothing() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    let answer = app.text("acme", "/kept").await;
    assert_eq!(answer, (500, "internal error\n".to_owned()));
    assert!(ends.only(Ending::Failed));
    assert_eq!(ledger.take(), [Begun]);
    ledger.let_go().await;
    assert_eq!(ledger.take(), [Dropped]);
}

#[actix_web::test]
async fn a_site_may_tell_of_what_is_not_saved_in_its_own_way() {
    let ledger = Ledger::default();
    let (app, _) = over(&ledger, |layer| {
        let layer = layer.on_refusal(|refused, request| {
            assert_eq!(refused, Refused::NotSaved);
            let named = request.headers().get("x-tenant-id").unwrap();
            let head = format!("{} {} {named:?}", request.method(), request.path());
            HttpResponse::ImATeapot().body(head)
        });
        layer.transaction_per_request()
    })
    .await;
    ledger.refuse_commits();
    let response = app
        .send(Method::POST, "acme", "/written/200")
        .await
        .unwrap();
    let answer = crate::support::text(response).await;
    assert_eq!(answer, (418, "POST /written/200 \"acme\"".to_owned()));
}

#[actix_web::test]
async fn without_the_option_and_in_central_work_there_is_none() {
    let ledger = Ledger::default();
    let (off, _) = over(&ledger, |layer| layer).await;
    assert_eq!(off.text("acme", "/asked").await, (200, "Off".to_owned()));
    let (app, _) = app(&ledger).await;
    assert_eq!(app.text("", "/central").await, (200, "Off".to_owned()));
    assert!(ledger.take().is_empty());
}

#[actix_web::test]
async fn who_never_asks_begins_none() {
    let ledger = Ledger::default();
    ledger.refuse_commits();
    let (app, ends) = app(&ledger).await;
    assert_eq!(app.text("acme", "/silent").await, (200, "done".to_owned()));
    assert!(ledger.take().is_empty());
    assert!(ends.only(Ending::Completed));
}

#[actix_web::test]
async fn it_is_over_when_the_body_is_sent() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    assert_eq!(
        app.text("acme", "/streamed").await,
        (200, "Over".to_owned())
    );
    assert_eq!(ledger.take(), [Begun, Committed]);
    assert!(ends.only(Ending::Completed));
}

#[actix_web::test]
async fn an_error_with_a_redirection_is_a_success() {
    let ledger = Ledger::default();
    let (app, _) = app(&ledger).await;
    let answer = app.send(Method::GET, "acme", "/redirected").await;
    let status = answer.unwrap_err().as_response_error().status_code();
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(ledger.take(), [Begun, Committed]);
    ledger.refuse_commits();
    let answer = app.send(Method::GET, "acme", "/redirected").await;
    let status = answer.unwrap_err().as_response_error().status_code();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(ledger.take(), [Begun, NotCommitted]);
}
