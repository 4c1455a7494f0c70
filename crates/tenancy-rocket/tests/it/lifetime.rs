//! How long a scope lasts.

use std::io;
use std::sync::{Arc, Mutex};

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use rocket::http::{Method, Status};
use rocket::response::stream::TextStream;
use rocket::response::{Responder, Response, Result as Responded};
use rocket::tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use rocket::{Request, State, get, routes};
use tenancy_core::Ending;
use tenancy_http_suite::stage::{TellsWhenDropped, ambient};
use tenancy_rocket::TenantScope;

use crate::support::{TestApp, rocket};

#[get("/")]
async fn whoami(scope: TenantScope) -> String {
    rocket::tokio::task::yield_now().await;
    let same = tenancy_core::TenantScope::current().unwrap();
    assert!(scope.is_same_scope(&same));
    ambient()
}

#[rocket::async_test]
async fn the_ambient_scope_is_the_requests_own() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![whoami])).await;
    let answer = app.text("acme", "/").await;
    assert_eq!(answer, (Status::Ok, "acme".to_owned()));
    assert_eq!(ambient(), "none");
    assert!(ends.only(Ending::Completed));
}

#[get("/streamed")]
fn streamed() -> TextStream![String] {
    TextStream(stream::iter(0..3).map(|_| ambient()))
}

#[rocket::async_test]
async fn it_is_open_while_the_body_is_sent_and_ends_with_it() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![streamed])).await;
    let mut acme = app.get("acme", "/streamed").await;
    let mut globex = app.get("globex", "/streamed").await;
    let (mut four, mut six) = ([0; 4], [0; 6]);
    for _ in 0..3 {
        acme.read_exact(&mut four).await.unwrap();
        assert_eq!(&four, b"acme");
        assert_eq!(ambient(), "none", "between two polls");
        globex.read_exact(&mut six).await.unwrap();
        assert_eq!(&six, b"globex");
    }
    assert!(ends.take().is_empty());
    assert_eq!(acme.read(&mut four).await.unwrap(), 0);
    assert!(ends.only(Ending::Completed), "while the body is still held");
    assert_eq!(acme.read(&mut four).await.unwrap(), 0);
}

type Told = Arc<Mutex<Vec<String>>>;

#[get("/endless")]
fn endless(told: &State<Told>) -> TextStream![&'static str] {
    let tells = TellsWhenDropped(Arc::clone(told.inner()));
    TextStream(stream::repeat_with(move || {
        let _ = &tells;
        "more"
    }))
}

#[rocket::async_test]
async fn a_body_that_is_dropped_is_dropped_in_its_scope() {
    let told = Told::default();
    let (tenancy, ends) = tenancy_http_suite::stage::tenancy();
    let layer = tenancy_rocket::TenancyLayer::new(tenancy);
    let routes = tenancy_rocket::Routes::new(layer).tenant("/", routes![endless]);
    let app = TestApp::launched(rocket().manage(Arc::clone(&told)).attach(routes)).await;
    let mut response = app.get("acme", "/endless").await;
    response.read_exact(&mut [0; 4]).await.unwrap();
    assert!(ends.take().is_empty());
    drop(response);
    assert!(ends.only(Ending::Dropped));
    assert_eq!(*told.lock().unwrap(), ["acme"]);
}

/// A body that fails, or panics, where it is read.
struct Bad {
    panics: bool,
}

impl AsyncRead for Bad {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        assert!(!self.panics, "on purpose");
        std::task::Poll::Ready(Err(io::Error::other("cut")))
    }
}

impl<'r> Responder<'r, 'static> for Bad {
    fn respond_to(self, _: &'r Request<'_>) -> Responded<'static> {
        Response::build().streamed_body(self).ok()
    }
}

#[get("/bad?<panics>")]
fn bad(panics: bool) -> Bad {
    Bad { panics }
}

#[rocket::async_test]
async fn an_error_or_a_panic_in_the_body_ends_it() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![bad])).await;
    let mut response = app.get("acme", "/bad?panics=false").await;
    assert!(response.read(&mut [0; 4]).await.is_err());
    assert!(ends.only(Ending::Failed));
    assert_eq!(response.read(&mut [0; 4]).await.unwrap(), 0);
    let mut response = app.get("acme", "/bad?panics=true").await;
    let mut buffer = [0; 4];
    let read = std::panic::AssertUnwindSafe(response.read(&mut buffer)).catch_unwind();
    assert!(read.await.is_err());
    assert!(ends.only(Ending::Panicked));
    assert_eq!(
        response.read(&mut [0; 4]).await.unwrap(),
        0,
        "not polled after it"
    );
}

#[get("/boom")]
fn boom() -> String {
    panic!("on purpose")
}

#[get("/fails")]
fn fails() -> Result<String, Status> {
    Err(Status::Conflict)
}

#[rocket::async_test]
async fn a_panic_or_an_error_of_the_handler_ends_it() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![boom, fails])).await;
    assert_eq!(
        app.text("acme", "/boom").await.0,
        Status::InternalServerError
    );
    assert!(ends.only(Ending::Panicked));
    assert_eq!(app.text("acme", "/fails").await.0, Status::Conflict);
    assert!(ends.only(Ending::Failed));
    assert_eq!(ambient(), "none");
}

#[get("/never")]
async fn never() -> String {
    std::future::pending().await
}

#[rocket::async_test]
async fn a_request_that_is_dropped_ends_it() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![never])).await;
    let mut sent = Box::pin(app.get("acme", "/never"));
    assert!((&mut sent).now_or_never().is_none());
    assert!(ends.take().is_empty());
    drop(sent);
    assert!(ends.only(Ending::Dropped));
}

#[get("/empty")]
fn empty() -> Status {
    Status::NoContent
}

#[rocket::async_test]
async fn an_answer_without_content_is_complete_at_once() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![empty, whoami])).await;
    drop(app.get("acme", "/empty").await);
    ends.take();
    // Rocket answers it with the GET route, and throws the body away.
    let head = app.send(Method::Head, "acme", "/").await;
    assert_eq!(head.status(), Status::Ok);
    drop(head);
    assert!(ends.only(Ending::Completed), "nobody reads a HEAD's body");
}

#[get("/<_>", rank = 1)]
fn numbers_only(_scope: TenantScope, _number: Number) -> String {
    "never".to_owned()
}

struct Number;

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Number {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> rocket::request::Outcome<Self, ()> {
        assert_eq!(ambient(), "acme", "guards run in the scope");
        rocket::request::Outcome::Forward(Status::NotFound)
    }
}

#[get("/<word>", rank = 2)]
fn words(scope: TenantScope, word: &str) -> String {
    scope.ensure_usable().unwrap();
    format!("{word} of {}", ambient())
}

#[get("/<_>", rank = 3)]
fn open_words() -> String {
    ambient()
}

/// Each route that is tried has a scope of its own, and the guards of the second don't get the
/// first one's.
#[rocket::async_test]
async fn a_request_that_is_forwarded_comes_to_a_scope_of_its_own() {
    let (app, ends) = TestApp::of(|routes| routes.tenant("/", routes![numbers_only, words])).await;
    let answer = app.text("acme", "/anvil").await;
    assert_eq!(answer, (Status::Ok, "anvil of acme".to_owned()));
    let endings = [Ending::Failed, Ending::Completed].map(|ending| ("acme".to_owned(), ending));
    assert_eq!(ends.take(), endings);
}

#[rocket::async_test]
async fn a_request_that_is_forwarded_to_an_open_route_has_no_scope_there() {
    let (app, ends) = TestApp::of(|routes| {
        routes
            .tenant("/", routes![numbers_only])
            .open("/", routes![open_words])
    })
    .await;
    let answer = app.text("acme", "/anvil").await;
    assert_eq!(answer, (Status::Ok, "none".to_owned()));
    assert!(ends.only(Ending::Failed));
}

static KEPT: Mutex<Option<tenancy_core::TenantScope>> = Mutex::new(None);

#[get("/keep")]
async fn keep(scope: TenantScope) -> String {
    *KEPT.lock().unwrap() = Some(scope.into_inner());
    rocket::tokio::spawn(async { ambient() }).await.unwrap()
}

#[rocket::async_test]
async fn a_spawned_task_has_no_scope_and_a_kept_ticket_has_ended() {
    let (app, _) = TestApp::of(|routes| routes.tenant("/", routes![keep])).await;
    assert_eq!(app.text("acme", "/keep").await.1, "none");
    let kept = KEPT.lock().unwrap().take().unwrap();
    assert!(matches!(
        kept.ensure_usable(),
        Err(tenancy_core::Error::ScopeEnded)
    ));
}

#[rocket::catch(default)]
fn caught(_: Status, _: &Request<'_>) -> String {
    ambient()
}

#[rocket::async_test]
async fn a_catcher_has_no_scope() {
    let (tenancy, _) = tenancy_http_suite::stage::tenancy();
    let layer = tenancy_rocket::TenancyLayer::new(tenancy);
    let routes = tenancy_rocket::Routes::new(layer).tenant("/", routes![boom, fails]);
    let rocket = rocket().register("/", rocket::catchers![caught]);
    let app = TestApp::launched(rocket.attach(routes)).await;
    assert_eq!(app.text("acme", "/boom").await.1, "none");
    assert_eq!(app.text("acme", "/fails").await.1, "none");
}
