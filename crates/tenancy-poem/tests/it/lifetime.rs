//! How long a scope lasts.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use poem::http::{Method, StatusCode};
use poem::web::Data;
use poem::{Body, EndpointExt as _, Response, get, handler};
use tenancy_core::Ending;
use tenancy_http_suite::stage::{TellsWhenDropped, ambient};
use tenancy_poem::TenantScope;

use crate::support::TestApp;

fn body_of(response: Response) -> BoxBody<Bytes, io::Error> {
    response.into_body().into()
}

/// The next chunk.
async fn chunk(body: &mut BoxBody<Bytes, io::Error>) -> Option<Result<Bytes, io::Error>> {
    let frame = body.frame().await?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

/// A body that says this, for each time that it is asked.
fn body_of_texts<T: Into<Bytes>>(texts: impl Stream<Item = T> + Send + 'static) -> Body {
    Body::from_bytes_stream(texts.map(|text| Ok::<Bytes, io::Error>(text.into())))
}

#[handler]
fn streamed() -> Body {
    body_of_texts(stream::iter(0..2).map(|_| ambient()))
}

#[handler]
async fn whoami(scope: TenantScope) -> String {
    tokio::task::yield_now().await;
    let same = tenancy_core::TenantScope::current().unwrap();
    assert!(scope.is_same_scope(&same));
    ambient()
}

#[tokio::test]
async fn the_ambient_scope_is_the_requests_own() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", get(whoami)));
    let answer = app.text("acme", "/").await;
    assert_eq!(answer, (StatusCode::OK, "acme".to_owned()));
    assert_eq!(ambient(), "none");
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn it_is_open_while_the_body_is_sent_and_ends_with_it() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", get(streamed)));
    let mut acme = body_of(app.get("acme", "/").await);
    let mut globex = body_of(app.get("globex", "/").await);
    for _ in 0..2 {
        assert_eq!(chunk(&mut acme).await.unwrap().unwrap(), "acme");
        assert_eq!(ambient(), "none", "between two polls");
        assert_eq!(chunk(&mut globex).await.unwrap().unwrap(), "globex");
    }
    assert!(ends.take().is_empty());
    assert!(chunk(&mut acme).await.is_none());
    assert!(ends.only(Ending::Completed), "while the body is still held");
    assert!(chunk(&mut acme).await.is_none());
}

type Told = Arc<Mutex<Vec<String>>>;

#[handler]
fn endless(Data(told): Data<&Told>) -> Body {
    let tells = TellsWhenDropped(Arc::clone(told));
    body_of_texts(stream::repeat_with(move || {
        let _ = &tells;
        "more"
    }))
}

#[tokio::test]
async fn a_body_that_is_dropped_is_dropped_in_its_scope() {
    let told = Told::default();
    let data = Arc::clone(&told);
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", get(endless).data(data)));
    let mut body = body_of(app.get("acme", "/").await);
    chunk(&mut body).await.unwrap().unwrap();
    assert!(ends.take().is_empty());
    drop(body);
    assert!(ends.only(Ending::Dropped));
    assert_eq!(*told.lock().unwrap(), ["acme"]);
}

#[handler]
fn cut_off() -> Body {
    let chunks = [Ok(Bytes::from("one")), Err(io::Error::other("cut"))];
    Body::from_bytes_stream(stream::iter(chunks))
}

#[tokio::test]
async fn an_error_in_the_body_ends_it() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", get(cut_off)));
    let mut body = body_of(app.get("acme", "/").await);
    assert_eq!(chunk(&mut body).await.unwrap().unwrap(), "one");
    assert!(chunk(&mut body).await.unwrap().is_err());
    assert!(ends.only(Ending::Failed));
    assert!(chunk(&mut body).await.is_none());
}

#[handler]
fn fails() -> poem::Result<String> {
    Err(poem::Error::from_status(StatusCode::CONFLICT))
}

#[tokio::test]
async fn an_error_of_the_handler_ends_it_and_passes() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", get(fails)));
    assert_eq!(app.get("acme", "/").await.status(), StatusCode::CONFLICT);
    assert!(ends.only(Ending::Failed));
}

#[handler]
fn boom() -> String {
    panic!("on purpose")
}

#[handler]
fn later() -> Body {
    let chunks = stream::repeat_with(|| -> Result<Bytes, io::Error> { panic!("on purpose") });
    Body::from_bytes_stream(chunks)
}

#[tokio::test]
async fn a_panic_in_handler_or_body_ends_it() {
    let (app, ends) = TestApp::of(|routes| {
        routes
            .tenant("/boom", get(boom))
            .tenant("/later", get(later))
    });
    let sent = AssertUnwindSafe(app.get("acme", "/boom")).catch_unwind();
    assert!(sent.await.is_err());
    assert!(ends.only(Ending::Panicked));
    assert_eq!(ambient(), "none");
    let mut body = body_of(app.get("acme", "/later").await);
    let polled = AssertUnwindSafe(chunk(&mut body)).catch_unwind().await;
    assert!(polled.is_err());
    assert!(ends.only(Ending::Panicked));
    assert!(
        chunk(&mut body).await.is_none(),
        "nothing is polled after it"
    );
}

#[handler]
async fn never() -> String {
    std::future::pending().await
}

#[tokio::test]
async fn a_request_that_is_dropped_ends_it() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", get(never)));
    let mut sent = Box::pin(app.get("acme", "/"));
    assert!((&mut sent).now_or_never().is_none());
    assert!(ends.take().is_empty());
    drop(sent);
    assert!(ends.only(Ending::Dropped));
}

#[tokio::test]
async fn an_answer_without_content_is_complete_at_once() {
    let (app, ends) = TestApp::of(|routes| {
        let empty = poem::endpoint::make_sync(|_| StatusCode::NO_CONTENT);
        routes.tenant("/empty", empty).tenant("/", get(streamed))
    });
    let empty = app.get("acme", "/empty").await;
    assert!(ends.only(Ending::Completed), "while the response is held");
    drop(empty);
    drop(app.send(Method::HEAD, "acme", "/").await);
    assert!(ends.only(Ending::Completed), "nobody reads a HEAD's body");
}

static KEPT: Mutex<Option<tenancy_core::TenantScope>> = Mutex::new(None);

#[handler]
async fn keep(scope: TenantScope) -> String {
    *KEPT.lock().unwrap() = Some(scope.into_inner());
    tokio::spawn(async { ambient() }).await.unwrap()
}

#[tokio::test]
async fn a_spawned_task_has_no_scope_and_a_kept_ticket_has_ended() {
    let (app, _) = TestApp::of(|routes| routes.tenant("/", get(keep)));
    assert_eq!(app.text("acme", "/").await.1, "none");
    let kept = KEPT.lock().unwrap().take().unwrap();
    assert!(matches!(
        kept.ensure_usable(),
        Err(tenancy_core::Error::ScopeEnded)
    ));
}

#[tokio::test]
async fn a_whole_body_arrives_whole() {
    let whole = poem::endpoint::make_sync(|_| "whole");
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", whole));
    let answer = app.text("acme", "/").await;
    assert_eq!(answer, (StatusCode::OK, "whole".to_owned()));
    assert!(ends.only(Ending::Completed));
}
