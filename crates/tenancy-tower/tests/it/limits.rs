//! What one tenant may have, and that no other notices.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::StatusCode;
use http_body_util::BodyExt;
use tenancy_core::Tenant;
use tenancy_tower::{Central, LimitLayer, Limited, Limits, TenancyLayer};
use tokio::sync::Semaphore;

use crate::support::{app, request, scoped_app, send, status_and_text, tenancy, text};

const HOUR: Duration = Duration::from_hours(1);

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// A clock that is set by hand.
#[derive(Clone, Default)]
struct Seconds(Arc<AtomicU64>);

impl Seconds {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn set(&self, layer: LimitLayer) -> LimitLayer {
        let seconds = Arc::clone(&self.0);
        layer.with_clock(move || Duration::from_secs(seconds.load(Ordering::SeqCst)))
    }
}

/// `/` answers at once, `/wait` when it is let, `/stream` with a body that never ends, `/panic` and
/// `/error` as they say.
fn limited(layer: LimitLayer, gate: &Arc<Semaphore>) -> Router {
    let gate = Arc::clone(gate);
    let wait = async move || {
        gate.acquire().await.unwrap().forget();
        "waited"
    };
    let stream = async || {
        let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from("begun"))]);
        Body::from_stream(futures_util::StreamExt::chain(first, stream::pending()))
    };
    let panics = async || -> &'static str { panic!("on purpose") };
    Router::new()
        .route("/", get(async || "served"))
        .route("/wait", get(wait))
        .route("/stream", get(stream))
        .route("/panic", get(panics))
        .layer(layer)
}

fn scoped(layer: &LimitLayer) -> (Router, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (app, _) = scoped_app(limited(layer.clone(), &gate));
    (app, gate)
}

async fn status(app: &Router, tenant: &str) -> StatusCode {
    let response = send(app, request(tenant, "/")).await;
    let status = response.status();
    text(response).await;
    status
}

#[tokio::test]
async fn one_tenants_rate_is_no_others() {
    let layer = LimitLayer::new(|_: &Tenant| Limits::none().rate(count(3), HOUR));
    let seconds = Seconds::default();
    let (app, _) = scoped(&seconds.set(layer));
    for _ in 0..3 {
        assert_eq!(status(&app, "acme").await, StatusCode::OK);
    }
    for _ in 0..100 {
        assert_eq!(status(&app, "acme").await, StatusCode::TOO_MANY_REQUESTS);
    }
    for _ in 0..3 {
        assert_eq!(status(&app, "globex").await, StatusCode::OK);
    }
    let response = send(&app, request("acme", "/")).await;
    assert_eq!(response.headers()["retry-after"], "1200");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(text(response).await, "too many requests\n");
    // What was refused has used up nothing.
    seconds.pass(1_200);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    assert_eq!(status(&app, "acme").await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_plan_is_the_tenants_and_holds_from_its_next_request() {
    let large = Arc::new(AtomicU64::new(0));
    let plan = Arc::clone(&large);
    let layer = LimitLayer::new(move |tenant: &Tenant| match tenant.id().as_str() {
        "acme" if plan.load(Ordering::SeqCst) == 0 => Limits::none().at_once(0),
        "acme" => Limits::none().rate(count(2), HOUR),
        _ => Limits::none(),
    });
    let (app, _) = scoped(&layer);
    assert_eq!(status(&app, "acme").await, StatusCode::TOO_MANY_REQUESTS);
    large.store(1, Ordering::SeqCst);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    assert_eq!(status(&app, "acme").await, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..10 {
        assert_eq!(status(&app, "globex").await, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_runs_counts_until_it_has_ended() {
    let layer = LimitLayer::new(|_: &Tenant| Limits::none().at_once(1));
    let (app, gate) = scoped(&layer);
    let mut waiting = Box::pin(send(&app, request("acme", "/wait")));
    assert!(waiting.as_mut().now_or_never().is_none());
    let refused = send(&app, request("acme", "/")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(status(&app, "globex").await, StatusCode::OK);
    gate.add_permits(1);
    let response = waiting.await;
    let blocked = status(&app, "acme").await;
    assert_eq!(
        blocked,
        StatusCode::TOO_MANY_REQUESTS,
        "its body is not sent yet"
    );
    assert_eq!(text(response).await, "waited");
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    assert_eq!(layer.remembered(), 0);
}

#[tokio::test]
async fn a_permit_comes_back_on_every_path() {
    let layer = LimitLayer::new(|_: &Tenant| Limits::none().at_once(1));
    let (app, _gate) = scoped(&layer);
    // Dropped before it was polled, and in the middle.
    drop(Box::pin(send(&app, request("acme", "/wait"))));
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    let mut waiting = Box::pin(send(&app, request("acme", "/wait")));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(status(&app, "acme").await, StatusCode::TOO_MANY_REQUESTS);
    drop(waiting);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    // A task that is aborted.
    let task = tokio::spawn({
        let app = app.clone();
        async move { send(&app, request("acme", "/wait")).await }
    });
    while layer.remembered() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&app, "acme").await, StatusCode::TOO_MANY_REQUESTS);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    // A panic.
    let panicked = tokio::spawn({
        let app = app.clone();
        async move { send(&app, request("acme", "/panic")).await.status() }
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    // A body that is dropped in the middle, and one that nobody reads.
    let mut streaming = send(&app, request("acme", "/stream")).await;
    let first = streaming.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "begun");
    assert_eq!(status(&app, "acme").await, StatusCode::TOO_MANY_REQUESTS);
    drop(streaming);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    drop(send(&app, request("acme", "/")).await);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    assert_eq!(layer.remembered(), 0);
}

#[tokio::test]
async fn unknown_tenants_are_never_remembered() {
    let layer = LimitLayer::new(|_: &Tenant| Limits::none().rate(count(1), HOUR).at_once(1));
    let (app, _) = scoped(&layer);
    for number in 0..200 {
        let tenant = format!("nobody-{number}");
        assert_eq!(status(&app, &tenant).await, StatusCode::NOT_FOUND);
    }
    for tenant in ["sleepy", "private", "NOT AN ID"] {
        let status = status(&app, tenant).await;
        assert!(status.is_client_error(), "{tenant}");
    }
    assert_eq!(layer.remembered(), 0);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    assert_eq!(layer.remembered(), 1);
}

#[tokio::test]
async fn tenants_that_have_gone_quiet_are_forgotten() {
    let seconds = Seconds::default();
    let plan = |tenant: &Tenant| {
        // A quota of its own for each second tenant.
        let number: u32 = tenant.id().as_str()[1..].parse().unwrap_or(0);
        Limits::none().rate(count(10 + number / 2), Duration::from_mins(1))
    };
    let layer = seconds.set(LimitLayer::new(plan));
    let (app, _) = scoped(&layer);
    for number in 0..50 {
        let tenant = format!("t{number}");
        assert_eq!(status(&app, &tenant).await, StatusCode::OK);
    }
    assert_eq!(layer.remembered(), 50);
    seconds.pass(61);
    assert_eq!(status(&app, "t0").await, StatusCode::OK);
    assert_eq!(layer.remembered(), 1, "the one that just came");
    seconds.pass(61);
    assert_eq!(layer.remembered(), 0);
}

/// A header of the request's, whose tenant it is not, is not looked at.
#[tokio::test]
async fn a_header_takes_nothing_from_anybody() {
    let layer = LimitLayer::new(|_: &Tenant| Limits::none().rate(count(2), HOUR));
    let (app, _) = scoped(&layer);
    let mut both = request("acme", "/");
    both.headers_mut()
        .append("x-tenant-id", "globex".parse().unwrap());
    assert_eq!(send(&app, both).await.status(), StatusCode::BAD_REQUEST);
    for _ in 0..2 {
        assert_eq!(status(&app, "globex").await, StatusCode::OK);
        assert_eq!(status(&app, "acme").await, StatusCode::OK);
    }
}

#[tokio::test]
async fn without_a_tenants_scope_nothing_is_served() {
    let layer = LimitLayer::new(|_: &Tenant| Limits::none());
    let gate = Arc::new(Semaphore::new(0));
    let internal = (
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal error\n".to_owned(),
    );
    // No layer around it, the layers in the wrong order, and a central route.
    let bare = limited(layer.clone(), &gate);
    assert_eq!(status_and_text(&bare, request("acme", "/")).await, internal);
    let (tenancy, _) = tenancy();
    let outer = TenancyLayer::new(tenancy);
    let swapped = app(
        Router::new().route("/", get(async || "served")),
        outer.clone(),
    );
    let swapped = swapped.layer(layer.clone());
    assert_eq!(
        status_and_text(&swapped, request("acme", "/")).await,
        internal
    );
    let central = outer.central(Central::because("a test", |_| true));
    let central = app(limited(layer.clone(), &gate), central);
    assert_eq!(
        status_and_text(&central, request("acme", "/")).await,
        internal
    );
    assert_eq!(layer.remembered(), 0);
}

#[tokio::test]
async fn a_site_may_answer_in_its_own_way() {
    let layer = LimitLayer::new(|_: &Tenant| Limits::none().rate(count(1), HOUR).at_once(1));
    let layer = layer.on_limited(|limited, parts| {
        assert_eq!(parts.uri.path(), "/");
        assert!(matches!(limited, Limited::Rate { .. }));
        let response = Response::builder().status(StatusCode::IM_A_TEAPOT);
        response.body(Bytes::from("short and stout")).unwrap()
    });
    let (app, _) = scoped(&layer);
    assert_eq!(status(&app, "acme").await, StatusCode::OK);
    let answer = status_and_text(&app, request("acme", "/")).await;
    assert_eq!(
        answer,
        (StatusCode::IM_A_TEAPOT, "short and stout".to_owned())
    );
}
