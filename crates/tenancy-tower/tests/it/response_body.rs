//! The body: polled in the scope, open until its end, and otherwise untouched.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full, StreamBody};
use tenancy_core::{Ending, Error, TenantScope as CoreScope};
use tenancy_tower::{TenancyLayer, TenantScope};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Ends, Members, request, scoped_app, send, tenancy, text};

fn ambient() -> Result<String, Error> {
    let scope = CoreScope::current()?;
    scope.ensure_usable()?;
    Ok(scope.tenant_id().to_string())
}

#[tokio::test]
async fn each_poll_sees_the_ambient_scope_and_the_scope_is_open_until_the_end() {
    async fn streamed(scope: TenantScope) -> Body {
        let ticket = scope.into_inner();
        Body::from_stream(stream::iter(0..5).then(move |_| {
            let ticket = ticket.ticket();
            async move {
                tokio::task::yield_now().await;
                ticket.ensure_usable()?;
                ambient()
            }
        }))
    }
    let (app, ends) = scoped_app(Router::new().route("/", get(streamed)));
    let mut body = send(&app, request("acme", "/")).await.into_body();
    for _ in 0..5 {
        // Read outside of every scope, as a server does.
        assert!(ambient().is_err());
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "acme");
        assert!(ends.all().is_empty());
    }
    assert!(body.frame().await.is_none());
    assert_eq!(
        ends.of("acme"),
        [Ending::Completed],
        "while the body is still held"
    );
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn two_bodies_read_in_turn_keep_their_own_scopes() {
    async fn streamed(_: TenantScope) -> Body {
        Body::from_stream(stream::iter(0..3).map(|_| ambient()))
    }
    let (app, _) = scoped_app(Router::new().route("/", get(streamed)));
    let mut acme = send(&app, request("acme", "/")).await.into_body();
    let mut globex = send(&app, request("globex", "/")).await.into_body();
    for _ in 0..3 {
        assert_eq!(
            acme.frame().await.unwrap().unwrap().into_data().unwrap(),
            "acme"
        );
        assert_eq!(
            globex.frame().await.unwrap().unwrap().into_data().unwrap(),
            "globex"
        );
    }
}

#[tokio::test]
async fn a_body_dropped_in_the_midst_closes_the_scope_and_drops_in_it() {
    struct TellsWhenDropped(std::sync::mpsc::Sender<Result<String, Error>>);
    impl Drop for TellsWhenDropped {
        fn drop(&mut self) {
            self.0.send(ambient()).unwrap();
        }
    }
    let (tell, told) = std::sync::mpsc::channel();
    let handler = async move || {
        let guard = TellsWhenDropped(tell);
        Body::from_stream(stream::repeat_with(move || {
            let _ = &guard;
            ambient()
        }))
    };
    let (app, ends) = scoped_app(Router::new().route("/", get(handler)));
    let mut body = send(&app, request("acme", "/")).await.into_body();
    body.frame().await.unwrap().unwrap();
    assert!(ends.all().is_empty());
    drop(body);
    assert_eq!(ends.of("acme"), [Ending::Dropped]);
    assert_eq!(
        told.recv().unwrap().unwrap(),
        "acme",
        "the scope was open at the drop"
    );
}

#[tokio::test]
async fn an_error_in_the_body_passes_and_ends_the_scope_as_failed() {
    let handler = async || {
        let frames = [Ok("one"), Err(std::io::Error::other("cut"))];
        Body::from_stream(stream::iter(frames))
    };
    let (app, ends) = scoped_app(Router::new().route("/", get(handler)));
    let mut body = send(&app, request("acme", "/")).await.into_body();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "one"
    );
    assert!(
        body.frame()
            .await
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("cut")
    );
    assert_eq!(ends.of("acme"), [Ending::Failed]);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_panic_in_the_body_ends_the_scope_and_nothing_is_polled_after_it() {
    let handler = async || {
        Body::from_stream(stream::repeat_with(|| -> Result<&str, Infallible> {
            panic!("boom")
        }))
    };
    let (app, ends) = scoped_app(Router::new().route("/", get(handler)));
    let mut body = send(&app, request("acme", "/")).await.into_body();
    assert!(AssertUnwindSafe(body.frame()).catch_unwind().await.is_err());
    assert_eq!(ends.of("acme"), [Ending::Panicked]);
    assert!(
        ambient().is_err(),
        "the caller's task is left without a scope"
    );
    assert!(body.frame().await.is_none());
}

/// Sends a body through the layer, without axum, whose own body hides what is asked here.
async fn through_the_layer<B>(make: fn() -> B) -> (tenancy_tower::ScopedBody<B>, Ends)
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    let (tenancy, ends) = tenancy();
    let service = service_fn(move |_| async move { Ok::<_, Infallible>(Response::new(make())) });
    let mut asked = request("acme", "/");
    asked.extensions_mut().insert(Members::principal("acme"));
    let response = TenancyLayer::new(tenancy)
        .layer(service)
        .oneshot(asked)
        .await
        .unwrap();
    (response.into_body(), ends)
}

#[tokio::test]
async fn trailers_pass_within_the_scope() {
    fn trailers() -> HeaderMap {
        HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))])
    }
    struct WithTrailers(u8);
    impl http_body::Body for WithTrailers {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            assert_eq!(ambient().unwrap(), "acme");
            self.0 += 1;
            Poll::Ready(match self.0 {
                1 => Some(Ok(Frame::data("data".into()))),
                2 => Some(Ok(Frame::trailers(trailers()))),
                _ => None,
            })
        }
        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(if self.0 == 0 { 4 } else { 0 })
        }
    }
    let (mut body, ends) = through_the_layer(|| WithTrailers(0)).await;
    assert_eq!(body.size_hint().exact(), Some(4));
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "data"
    );
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(!body.is_end_stream());
    assert!(ends.all().is_empty(), "trailers are still to come");
    assert_eq!(
        body.frame()
            .await
            .unwrap()
            .unwrap()
            .into_trailers()
            .unwrap(),
        trailers()
    );
    assert!(body.frame().await.is_none());
    assert_eq!(ends.of("acme"), [Ending::Completed]);
}

#[tokio::test]
async fn a_body_that_says_it_is_at_its_end_is_not_asked_again() {
    let (mut body, ends) = through_the_layer(|| Full::new(Bytes::from("whole"))).await;
    assert_eq!(body.size_hint().exact(), Some(5));
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "whole"
    );
    // A server stops here, and drops the body: that is a completed response.
    assert!(body.is_end_stream());
    assert_eq!(ends.of("acme"), [Ending::Completed]);
}

#[tokio::test]
async fn a_stream_keeps_its_size_hint() {
    let made = || {
        StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::data(
            Bytes::from("x"),
        ))]))
    };
    let expected = made().size_hint();
    let (body, _) = through_the_layer(made).await;
    assert_eq!(body.size_hint().lower(), expected.lower());
    assert_eq!(body.size_hint().upper(), expected.upper());
    assert!(!body.is_end_stream());
}

#[tokio::test]
async fn json_and_text_arrive_whole() {
    let (app, ends) = scoped_app(Router::new().route("/", get(async || axum::Json([1, 2, 3]))));
    let response = send(&app, request("acme", "/")).await;
    assert_eq!(response.headers()["content-length"], "7");
    assert_eq!(text(response).await, "[1,2,3]");
    assert_eq!(ends.of("acme"), [Ending::Completed]);
}
