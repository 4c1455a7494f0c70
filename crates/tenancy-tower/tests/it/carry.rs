//! A client that hands the scope over, and a service that opens it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request, Response, StatusCode};
use tenancy_core::{Error, TenantScope as CoreScope};
use tenancy_http_suite::envelopes::{SERVICE, Stage};
use tenancy_tower::{CarryScopeLayer, NextService, NotSent, TenancyLayer, TenantScope};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::text;

const NOTES: &str = "https://notes.internal/";

fn carrying(stage: &Stage) -> CarryScopeLayer {
    let next = NextService::new(&stage.tenancy, SERVICE, ["https://notes.internal"]);
    CarryScopeLayer::to(next.unwrap())
}

/// The next service, as it is reached through a client.
fn next_service(stage: &Stage) -> Router {
    let whoami = async |scope: TenantScope| scope.tenant_id().to_string();
    let layer = TenancyLayer::from_envelopes(stage.tenancy.clone(), SERVICE).unwrap();
    Router::new().route("/", get(whoami)).layer(layer)
}

fn to(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

/// Runs `work` in the scope of `tenant`.
async fn within<T: Send>(
    stage: &Stage,
    tenant: &'static str,
    work: impl Future<Output = T> + Send,
) -> T {
    let mut work = Some(work);
    let ran = stage
        .tenancy
        .run(tenant, async |_: &CoreScope| -> Result<T, Error> {
            Ok(work.take().unwrap().await)
        });
    ran.await.unwrap()
}

/// Two processes: each with a tenancy of its own, and the same keys.
#[tokio::test]
async fn the_next_service_works_in_the_same_tenants_scope() {
    let (here, there) = (Stage::new(), Stage::new());
    let there_served = next_service(&there);
    // As over a network: the caller's ambient scope is not there.
    let network = service_fn(move |request: Request<Body>| {
        let served = tokio::spawn(there_served.clone().oneshot(request));
        async { served.await.unwrap() }
    });
    let client = carrying(&here).layer(network);
    for tenant in ["acme", "globex"] {
        let response = within(&here, tenant, client.clone().oneshot(to(NOTES))).await;
        assert_eq!(text(response.unwrap()).await, tenant);
    }
    assert_eq!(there.ends.take().len(), 2);
}

type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// A client that remembers what it was given, and echoes an envelope.
fn remembering(
    seen: &Seen,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ use<> {
    let seen = Arc::clone(seen);
    service_fn(move |request: Request<Body>| {
        seen.lock().unwrap().push(request.headers().clone());
        let response = Response::builder().header("tenancy-scope", "echoed");
        async move { Ok(response.body(Body::empty()).unwrap()) }
    })
}

#[tokio::test]
async fn without_a_scope_or_to_another_origin_nothing_is_sent() {
    let (stage, seen) = (Stage::new(), Seen::default());
    let client = carrying(&stage).layer(remembering(&seen));
    let error = client.clone().oneshot(to(NOTES)).await.unwrap_err();
    let why = error.downcast_ref::<NotSent>();
    assert!(
        matches!(why, Some(NotSent::Scope(Error::NoScope))),
        "{error}"
    );
    for uri in ["https://evil/", "http://notes.internal/", "/"] {
        let sent = within(&stage, "acme", client.clone().oneshot(to(uri))).await;
        let error = sent.unwrap_err();
        let why = error.downcast_ref::<NotSent>();
        assert!(matches!(why, Some(NotSent::Origin)), "{uri}: {error}");
    }
    assert!(seen.lock().unwrap().is_empty(), "something was sent");
}

/// The scope is taken in the caller's task: one that has none is not helped by who made the client.
#[tokio::test]
async fn a_call_from_a_task_of_its_own_is_not_sent() {
    let (stage, seen) = (Stage::new(), Seen::default());
    let client = carrying(&stage).layer(remembering(&seen));
    let spawned = async { tokio::spawn(client.oneshot(to(NOTES))).await.unwrap() };
    assert!(within(&stage, "acme", spawned).await.is_err());
    assert!(seen.lock().unwrap().is_empty(), "something was sent");
}

#[tokio::test]
async fn an_inbound_envelope_is_never_passed_on() {
    let (stage, seen) = (Stage::new(), Seen::default());
    let inbound = stage.sealed("globex").await;
    let client = carrying(&stage).layer(remembering(&seen));
    let mut request = to(NOTES);
    for _ in 0..2 {
        let inbound = inbound.parse().unwrap();
        request.headers_mut().append("tenancy-scope", inbound);
    }
    let response = within(&stage, "acme", client.oneshot(request)).await;
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("tenancy-scope"));
    let seen = seen.lock().unwrap().remove(0);
    let sent: Vec<_> = seen.get_all("tenancy-scope").iter().collect();
    assert_eq!(sent.len(), 1);
    assert_ne!(sent[0], inbound.as_str());
    assert!(sent[0].is_sensitive());
}

/// The real client, over a socket.
#[tokio::test]
async fn a_client_of_hyper_carries_it_too() {
    let stage = Stage::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let app = next_service(&stage);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let next = NextService::new(&stage.tenancy, SERVICE, [origin.as_str()]).unwrap();
    let connector = hyper_util::client::legacy::connect::HttpConnector::new();
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).build(connector);
    let client = CarryScopeLayer::to(next).layer(client);
    let call = client.oneshot(to(&format!("{origin}/")));
    let response = within(&stage, "globex", call).await.unwrap();
    assert_eq!(text(response.map(Body::new)).await, "globex");
    server.abort();
}
