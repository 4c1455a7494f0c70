//! The transaction of a request, and how it ends.

use std::io::Cursor;

use futures_util::future::FutureExt as _;
use futures_util::stream;
use rocket::http::{Header, Method, Status};
use rocket::response::stream::TextStream;
use rocket::{Responder, Response, State, get, post, routes};
use tenancy_core::{Ending, RequestView, Tenancy, TenantScope as CoreScope};
use tenancy_http_suite::ledger::{
    Begun, Committed, Committing, Dropped, Ledger, NotCommitted, RolledBack,
};
use tenancy_http_suite::stage::{Ends, tenancy};
use tenancy_rocket::{Central, Refused, Routes, TenancyLayer, TenantScope};

use crate::support::{TestApp, rocket};

/// Two functions of a handler's write in one transaction.
async fn write(ledger: &Ledger, scope: &CoreScope) {
    for text in ["one", "two"] {
        ledger.write(scope, text).await.unwrap();
    }
}

#[derive(Responder)]
struct Written((Status, ()), Header<'static>);

#[get("/written/<status>")]
async fn written(scope: TenantScope, ledger: &State<Ledger>, status: u16) -> Written {
    write(ledger, &scope).await;
    let own = Header::new("x-handlers-own", "kept");
    Written((Status::new(status), ()), own)
}

#[post("/written/<status>")]
async fn posted(scope: TenantScope, ledger: &State<Ledger>, status: u16) -> (Status, ()) {
    write(ledger, &scope).await;
    (Status::new(status), ())
}

#[get("/failed")]
async fn failed(scope: TenantScope, ledger: &State<Ledger>) -> Result<String, Status> {
    write(ledger, &scope).await;
    Err(Status::Conflict)
}

#[get("/panicked/<held>")]
async fn panicked(scope: TenantScope, ledger: &State<Ledger>, held: bool) -> String {
    write(ledger, &scope).await;
    if held {
        ledger.write_and_panic(&scope).await;
    }
    panic!("on purpose")
}

#[get("/never")]
async fn never(scope: TenantScope, ledger: &State<Ledger>) -> String {
    write(ledger, &scope).await;
    std::future::pending().await
}

#[get("/kept")]
async fn kept(scope: TenantScope, ledger: &State<Ledger>) -> &'static str {
    ledger.keep(scope.into_inner()).await;
    "done"
}

#[get("/asked")]
async fn asked(scope: TenantScope, ledger: &State<Ledger>) -> String {
    format!("{:?}", ledger.why_not(&scope).await)
}

#[get("/silent")]
fn silent() -> &'static str {
    "done"
}

#[get("/central")]
async fn central(ledger: &State<Ledger>, tenancy: &State<Tenancy>) -> String {
    format!("{:?}", ledger.why_not_in_central_work(tenancy).await)
}

#[get("/streamed")]
async fn streamed(scope: TenantScope, ledger: &State<Ledger>) -> TextStream![String] {
    write(ledger, &scope).await;
    let ledger = ledger.inner().clone();
    TextStream(stream::once(async move {
        let why = ledger.why_not(&CoreScope::current().unwrap()).await;
        format!("{why:?}")
    }))
}

async fn over(ledger: &Ledger, with: impl FnOnce(TenancyLayer) -> TenancyLayer) -> (TestApp, Ends) {
    let (tenancy, ends) = tenancy();
    let all = routes![
        written, posted, failed, panicked, never, kept, asked, silent, streamed
    ];
    let admits = Central::because("a test", |_: &dyn RequestView| true);
    let routes = Routes::new(with(TenancyLayer::new(tenancy.clone())))
        .tenant("/", all)
        .central("/", admits, routes![central]);
    let rocket = rocket().manage(ledger.clone()).manage(tenancy);
    (TestApp::launched(rocket.attach(routes)).await, ends)
}

/// With a transaction per request.
async fn app(ledger: &Ledger) -> (TestApp, Ends) {
    over(ledger, TenancyLayer::transaction_per_request).await
}

#[rocket::async_test]
async fn a_success_is_committed_before_its_head_is_there() {
    let ledger = Ledger::default();
    let (app, _) = app(&ledger).await;
    for status in [101, 200, 204, 303] {
        let path = format!("/written/{status}");
        let response = app.get("acme", &path).await;
        assert_eq!(response.status().code, status);
        assert_eq!(response.headers().get_one("x-handlers-own"), Some("kept"));
        assert_eq!(ledger.take(), [Begun, Committed], "{status}");
    }
    ledger.hold_up_commits(true);
    let mut sent = Box::pin(app.get("globex", "/written/200"));
    for _ in 0..10 {
        assert!((&mut sent).now_or_never().is_none());
    }
    assert_eq!(ledger.take(), [Begun, Committing]);
    ledger.hold_up_commits(false);
    assert_eq!(sent.await.status(), Status::Ok);
    assert_eq!(ledger.take(), [Committed]);
    assert_eq!(
        ledger.saved()[6..],
        ["acme: one", "acme: two", "globex: one", "globex: two"]
    );
}

#[rocket::async_test]
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
        assert_eq!(response.status().code, status);
        assert_eq!(ledger.take(), [Begun, RolledBack], "{path}");
    }
    assert!(ledger.saved().is_empty());
    assert_eq!(ends.take().len(), 4);
}

/// Rocket answers it.
#[rocket::async_test]
async fn a_panic_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    for path in ["/panicked/false", "/panicked/true"] {
        let answer = app.get("acme", path).await;
        assert_eq!(answer.status(), Status::InternalServerError);
        assert_eq!(ledger.take(), [Begun, Dropped], "{path}");
        assert!(ends.only(Ending::Panicked));
    }
    assert!(ledger.saved().is_empty());
}

#[rocket::async_test]
async fn a_request_that_is_dropped_rolls_back() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
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

#[rocket::async_test]
async fn what_is_not_saved_is_no_success() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    ledger.refuse_commits();
    for path in ["/written/200", "/written/303"] {
        let response = app.get("acme", path).await;
        assert_eq!(response.status(), Status::InternalServerError);
        assert!(!response.headers().contains("x-handlers-own"));
        let body = response.into_string().await;
        assert_eq!(body.as_deref(), Some("internal error\n"));
        assert_eq!(ledger.take(), [Begun, NotCommitted]);
        assert!(ends.only(Ending::Failed));
    }
    let answer = app.get("acme", "/written/404").await;
    assert_eq!(answer.status(), Status::NotFound, "nothing was to be saved");
    assert!(ledger.saved().is_empty());
}

#[rocket::async_test]
async fn a_handle_that_is_still_held_saves_nothing() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    let answer = app.text("acme", "/kept").await;
    let internal = Status::InternalServerError;
    assert_eq!(answer, (internal, "internal error\n".to_owned()));
    assert!(ends.only(Ending::Failed));
    assert_eq!(ledger.take(), [Begun]);
    ledger.let_go().await;
    assert_eq!(ledger.take(), [Dropped]);
}

#[rocket::async_test]
async fn a_site_may_tell_of_what_is_not_saved_in_its_own_way() {
    let ledger = Ledger::default();
    let (app, _) = over(&ledger, |layer| {
        let layer = layer.on_refusal(|refused, request| {
            assert_eq!(refused, Refused::NotSaved);
            let named = request.headers().get_one("x-tenant-id").unwrap();
            let head = format!("{} {} {named}", request.method(), request.uri().path());
            Response::build()
                .status(Status::ImATeapot)
                .sized_body(head.len(), Cursor::new(head))
                .finalize()
        });
        layer.transaction_per_request()
    })
    .await;
    ledger.refuse_commits();
    let response = app.send(Method::Post, "acme", "/written/200").await;
    assert_eq!(response.status(), Status::ImATeapot);
    let body = response.into_string().await;
    assert_eq!(body.as_deref(), Some("POST /written/200 acme"));
}

#[rocket::async_test]
async fn without_the_option_and_in_central_work_there_is_none() {
    let ledger = Ledger::default();
    let (off, _) = over(&ledger, |layer| layer).await;
    let none = (Status::Ok, "Off".to_owned());
    assert_eq!(off.text("acme", "/asked").await, none);
    let (app, _) = app(&ledger).await;
    assert_eq!(app.text("", "/central").await, none);
    assert!(ledger.take().is_empty());
}

#[rocket::async_test]
async fn who_never_asks_begins_none() {
    let ledger = Ledger::default();
    ledger.refuse_commits();
    let (app, ends) = app(&ledger).await;
    let answer = app.text("acme", "/silent").await;
    assert_eq!(answer, (Status::Ok, "done".to_owned()));
    assert!(ledger.take().is_empty());
    assert!(ends.only(Ending::Completed));
}

#[rocket::async_test]
async fn it_is_over_when_the_body_is_sent() {
    let ledger = Ledger::default();
    let (app, ends) = app(&ledger).await;
    let answer = app.text("acme", "/streamed").await;
    assert_eq!(answer, (Status::Ok, "Over".to_owned()));
    assert_eq!(ledger.take(), [Begun, Committed]);
    assert!(ends.only(Ending::Completed));
}
