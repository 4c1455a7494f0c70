//! When the scope ends, and what a ticket kept beyond that opens.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tenancy_core::{Ending, Error, InCurrentScope, Phase, TenantScope as CoreScope};
use tenancy_tower::{TenancyLayer, TenantScope};
use tokio::sync::oneshot;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Members, id, request, scoped_app, send, store, text};

type Kept = Arc<Mutex<Option<CoreScope>>>;

/// An application whose handler keeps its ticket.
fn keeping(kept: &Kept) -> Router {
    let kept = Arc::clone(kept);
    let handler = async move |scope: TenantScope| {
        scope.ensure_usable().unwrap();
        *kept.lock().unwrap() = Some(scope.into_inner());
        "a body"
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn a_ticket_kept_after_the_response_is_refused() {
    let kept = Kept::default();
    let (app, _) = scoped_app(keeping(&kept));
    let response = send(&app, request("acme", "/")).await;
    let ticket = kept.lock().unwrap().take().unwrap();
    ticket.ensure_usable().unwrap();
    assert_eq!(
        ticket.phase(),
        Phase::Initialized,
        "the body is not sent yet"
    );
    assert_eq!(text(response).await, "a body");
    assert!(matches!(ticket.ensure_usable(), Err(Error::ScopeEnded)));
    // Not by making it the ambient one, either.
    let again = ticket
        .scope(async { CoreScope::current()?.ensure_usable() })
        .await;
    assert!(matches!(again, Err(Error::ScopeEnded)));
}

#[tokio::test]
async fn a_response_dropped_unread_closes_the_scope() {
    let kept = Kept::default();
    let (app, ends) = scoped_app(keeping(&kept));
    drop(send(&app, request("acme", "/")).await);
    assert!(matches!(
        kept.lock().unwrap().take().unwrap().ensure_usable(),
        Err(Error::ScopeEnded)
    ));
    assert_eq!(ends.of("acme"), [Ending::Dropped]);
}

#[tokio::test]
async fn a_spawned_task_has_no_scope_unless_it_is_carried_and_then_a_ticket() {
    let (end, ended) = oneshot::channel::<()>();
    let ended = Arc::new(Mutex::new(Some(ended)));
    let started = Arc::new(Mutex::new(None));
    let task = Arc::clone(&started);
    let handler = async move |_: TenantScope| {
        let bare = tokio::spawn(async { CoreScope::current().err() })
            .await
            .unwrap();
        assert!(matches!(bare, Some(Error::NoScope)));
        let carried = async { CoreScope::current()?.ensure_usable() }.in_current_scope();
        tokio::spawn(carried).await.unwrap().unwrap();
        let ended = ended.lock().unwrap().take().unwrap();
        let outlives = async move {
            ended.await.unwrap();
            CoreScope::current()?.ensure_usable()
        };
        *task.lock().unwrap() = Some(tokio::spawn(outlives.in_current_scope()));
    };
    let (app, ends) = scoped_app(Router::new().route("/", get(handler)));
    assert_eq!(
        send(&app, request("acme", "/")).await.status(),
        StatusCode::OK
    );
    assert_eq!(ends.of("acme"), [Ending::Completed]);
    end.send(()).unwrap();
    let late = started.lock().unwrap().take().unwrap();
    let outlived = late.await.unwrap();
    assert!(matches!(outlived, Err(Error::ScopeEnded)));
}

#[tokio::test]
async fn a_panic_in_the_handler_closes_the_scope() {
    let kept = Kept::default();
    let keep = Arc::clone(&kept);
    let handler = async move |scope: TenantScope| -> StatusCode {
        *keep.lock().unwrap() = Some(scope.into_inner());
        tokio::task::yield_now().await;
        panic!("boom")
    };
    let (app, ends) = scoped_app(Router::new().route("/", get(handler)));
    let caught = AssertUnwindSafe(app.oneshot(request("acme", "/")))
        .catch_unwind()
        .await;
    assert!(caught.is_err());
    assert_eq!(ends.of("acme"), [Ending::Panicked]);
    assert!(matches!(
        kept.lock().unwrap().take().unwrap().ensure_usable(),
        Err(Error::ScopeEnded)
    ));
    assert!(
        CoreScope::current().is_err(),
        "the caller's task is left without a scope"
    );
}

fn member_request(method: Method) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method;
    request
        .headers_mut()
        .insert("x-tenant-id", "acme".parse().unwrap());
    request
}

/// A layer without axum, trusting the header, which ends are watched of.
fn plain_layer() -> (TenancyLayer, crate::support::Ends) {
    let ends = crate::support::Ends::default();
    let tenancy = tenancy_core::Tenancy::builder(store())
        .resolve(tenancy_core::Custom::trusted(
            "test",
            |_: &dyn tenancy_core::RequestView| tenancy_core::Extracted::Id(id("acme")),
        ))
        .trust_resolution()
        .listen(ends.clone())
        .build();
    (TenancyLayer::new(tenancy), ends)
}

#[tokio::test]
async fn an_error_of_the_service_passes_and_closes_the_scope_as_failed() {
    let (layer, ends) = plain_layer();
    let failing = service_fn(async |_: Request<Empty<Bytes>>| {
        assert_eq!(CoreScope::current().unwrap().tenant_id().as_str(), "acme");
        Err::<Response<Full<Bytes>>, _>(std::io::Error::other("the handler's own"))
    });
    let error = layer
        .layer(failing)
        .oneshot(member_request(Method::GET))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the handler's own");
    assert_eq!(ends.of("acme"), [Ending::Failed]);
}

#[tokio::test]
async fn a_dropped_response_future_closes_the_scope() {
    let (layer, ends) = plain_layer();
    let hanging = service_fn(async |_: Request<Empty<Bytes>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, std::convert::Infallible>>().await
    });
    let mut future = Box::pin(layer.layer(hanging).oneshot(member_request(Method::GET)));
    // The look-up ends within some polls; then the handler hangs.
    for _ in 0..100 {
        assert!(future.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    assert!(ends.all().is_empty());
    drop(future);
    assert_eq!(ends.of("acme"), [Ending::Dropped]);
}

#[tokio::test]
async fn bodies_without_content_end_the_scope_at_once() {
    let (layer, ends) = plain_layer();
    for status in [StatusCode::OK, StatusCode::NO_CONTENT] {
        let before = ends.all().len();
        let empty = service_fn(move |_: Request<Empty<Bytes>>| async move {
            Response::builder()
                .status(status)
                .body(Full::new(Bytes::new()))
        });
        let response = layer
            .layer(empty)
            .oneshot(member_request(Method::GET))
            .await
            .unwrap();
        assert_eq!(
            ends.all().len(),
            before + 1,
            "while the response is still held"
        );
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(0));
        assert!(http_body::Body::is_end_stream(response.body()));
        assert!(response.into_body().frame().await.is_none());
    }
    assert!(
        ends.all()
            .iter()
            .all(|(_, ending)| *ending == Ending::Completed)
    );
}

#[tokio::test]
async fn a_head_request_keeps_its_content_length_and_completes() {
    let (app, ends) = scoped_app(Router::new().route("/", get(async || "twelve bytes")));
    let mut head = request("acme", "/");
    *head.method_mut() = Method::HEAD;
    let response = send(&app, head).await;
    assert_eq!(response.headers()["content-length"], "12");
    assert_eq!(
        ends.of("acme"),
        [Ending::Completed],
        "while the response is still held"
    );
    assert_eq!(text(response).await, "");
}

/// Refuses to serve unless this very clone was polled until it was ready.
struct OnlyWhenReady(bool);

impl Clone for OnlyWhenReady {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl Service<Request<Body>> for OnlyWhenReady {
    type Response = Response<Full<Bytes>>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.0), "called without being ready");
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn the_service_that_was_polled_ready_is_the_one_that_serves() {
    let (tenancy, _) = crate::support::tenancy();
    let mut service = TenancyLayer::new(tenancy).layer(OnlyWhenReady(false));
    for _ in 0..3 {
        let mut asked = request("acme", "/");
        asked.extensions_mut().insert(Members::principal("acme"));
        let response = service.ready().await.unwrap().call(asked).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}
