//! How long a scope lasts.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use actix_web::body::{BodySize, BoxBody, MessageBody as _, to_bytes};
use actix_web::http::Method;
use actix_web::web::{Bytes, resource};
use actix_web::{HttpResponse, Responder};
use futures_util::future::{FutureExt as _, poll_fn};
use futures_util::stream::{self, StreamExt as _};
use tenancy_actix_web::TenantScope;
use tenancy_core::Ending;
use tenancy_http_suite::stage::{TellsWhenDropped, ambient};

use crate::support::TestApp;

/// The next chunk.
async fn chunk(body: &mut BoxBody) -> Option<Result<Bytes, String>> {
    let next = poll_fn(|cx| std::pin::Pin::new(&mut *body).poll_next(cx)).await;
    next.map(|chunk| chunk.map_err(|error| error.to_string()))
}

fn streamed(chunks: usize) -> HttpResponse {
    let chunks = stream::iter(0..chunks).map(|_| Ok::<_, Infallible>(Bytes::from(ambient())));
    HttpResponse::Ok().streaming(chunks)
}

#[actix_web::test]
async fn the_ambient_scope_is_the_requests_own() {
    async fn handler(scope: TenantScope) -> String {
        // On the worker's own thread: nothing here needs to be `Send`.
        let kept = Rc::new(ambient());
        tokio::task::yield_now().await;
        let same = tenancy_core::TenantScope::current().unwrap();
        assert!(scope.is_same_scope(&same));
        kept.to_string()
    }
    let (app, ends) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(handler));
    })
    .await;
    assert_eq!(app.text("acme", "/").await, (200, "acme".to_owned()));
    assert_eq!(ambient(), "none");
    assert!(ends.only(Ending::Completed));
}

#[actix_web::test]
async fn it_is_open_while_the_body_is_sent_and_ends_with_it() {
    let (app, ends) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(async || streamed(2)));
    })
    .await;
    let mut acme = app.get("acme", "/").await.into_body();
    let mut globex = app.get("globex", "/").await.into_body();
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

#[actix_web::test]
async fn a_body_that_is_dropped_is_dropped_in_its_scope() {
    let dropped = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&dropped);
    let handler = move || {
        let tells = TellsWhenDropped(Arc::clone(&shared));
        async move {
            let chunks = stream::repeat_with(move || {
                let _ = &tells;
                Ok::<_, Infallible>(Bytes::from("more"))
            });
            HttpResponse::Ok().streaming(chunks)
        }
    };
    let (app, ends) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(handler));
    })
    .await;
    let mut body = app.get("acme", "/").await.into_body();
    chunk(&mut body).await.unwrap().unwrap();
    assert!(ends.take().is_empty());
    drop(body);
    assert!(ends.only(Ending::Dropped));
    assert_eq!(*dropped.lock().unwrap(), ["acme"]);
}

#[actix_web::test]
async fn an_error_in_the_body_ends_it() {
    async fn handler() -> impl Responder {
        let chunks = [Ok(Bytes::from("one")), Err(std::io::Error::other("cut"))];
        HttpResponse::Ok().streaming(stream::iter(chunks))
    }
    let (app, ends) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(handler));
    })
    .await;
    let mut body = app.get("acme", "/").await.into_body();
    assert_eq!(chunk(&mut body).await.unwrap().unwrap(), "one");
    assert!(chunk(&mut body).await.unwrap().is_err());
    assert!(ends.only(Ending::Failed));
    assert!(chunk(&mut body).await.is_none());
}

#[actix_web::test]
async fn a_panic_in_handler_or_body_ends_it() {
    async fn boom() -> HttpResponse {
        panic!("on purpose")
    }
    async fn later() -> HttpResponse {
        HttpResponse::Ok().streaming(stream::repeat_with(|| -> Result<Bytes, Infallible> {
            panic!("on purpose")
        }))
    }
    let (app, ends) = TestApp::of(|routes| {
        routes
            .tenant(resource("/boom").get(boom))
            .tenant(resource("/later").get(later));
    })
    .await;
    let sent = app.send(Method::GET, "acme", "/boom");
    assert!(AssertUnwindSafe(sent).catch_unwind().await.is_err());
    assert!(ends.only(Ending::Panicked));
    assert_eq!(ambient(), "none");
    let mut body = app.get("acme", "/later").await.into_body();
    let polled = AssertUnwindSafe(chunk(&mut body)).catch_unwind().await;
    assert!(polled.is_err());
    assert!(ends.only(Ending::Panicked));
    assert!(
        chunk(&mut body).await.is_none(),
        "nothing is polled after it"
    );
}

#[actix_web::test]
async fn a_request_that_is_dropped_ends_it() {
    let (app, ends) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(std::future::pending::<HttpResponse>));
    })
    .await;
    let mut sent = app.send(Method::GET, "acme", "/");
    assert!((&mut sent).now_or_never().is_none());
    assert!(ends.take().is_empty());
    drop(sent);
    assert!(ends.only(Ending::Dropped));
}

#[actix_web::test]
async fn an_answer_without_content_is_complete_at_once() {
    let (app, ends) = TestApp::of(|routes| {
        let resource = resource("/").get(async || HttpResponse::NoContent());
        routes.tenant(resource.head(async || streamed(3)));
    })
    .await;
    let empty = app.get("acme", "/").await;
    assert!(ends.only(Ending::Completed), "while the response is held");
    drop(empty);
    let head = app.send(Method::HEAD, "acme", "/").await.unwrap();
    drop(head);
    assert!(ends.only(Ending::Completed), "nobody reads a HEAD's body");
}

/// Actix Web sends what an upgraded connection says as its response's body.
#[actix_web::test]
async fn an_upgraded_connection_keeps_its_scope_as_long_as_it_lasts() {
    async fn upgrade() -> HttpResponse {
        let said = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(ambient())));
        HttpResponse::SwitchingProtocols()
            .upgrade("echo")
            .streaming(said)
    }
    let (app, ends) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(upgrade));
    })
    .await;
    let mut body = app.get("acme", "/").await.into_body();
    assert_eq!(chunk(&mut body).await.unwrap().unwrap(), "acme");
    assert!(ends.take().is_empty());
    drop(body);
    assert!(ends.only(Ending::Dropped));
}

#[actix_web::test]
async fn a_known_size_stays_known() {
    let (app, _) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(async || "whole"));
    })
    .await;
    let response = app.get("acme", "/").await;
    assert_eq!(response.response().body().size(), BodySize::Sized(5));
    assert_eq!(to_bytes(response.into_body()).await.unwrap(), "whole");
}

#[actix_web::test]
async fn a_spawned_task_has_no_scope_and_a_kept_ticket_has_ended() {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<tenancy_core::TenantScope>> =
            const { std::cell::RefCell::new(None) };
    }
    async fn handler(scope: TenantScope) -> String {
        KEPT.set(Some(scope.into_inner()));
        actix_web::rt::spawn(async { ambient() }).await.unwrap()
    }
    let (app, _) = TestApp::of(|routes| {
        routes.tenant(resource("/").get(handler));
    })
    .await;
    assert_eq!(app.text("acme", "/").await.1, "none");
    let kept = KEPT.take().unwrap();
    assert!(matches!(
        kept.ensure_usable(),
        Err(tenancy_core::Error::ScopeEnded)
    ));
}
