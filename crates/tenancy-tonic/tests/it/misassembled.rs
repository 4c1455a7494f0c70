//! Layers put together wrongly: refused cleanly, never served in a wrong scope.

use http_body_util::BodyExt as _;
use tenancy_core::{Error, TenantScope as CoreScope};
use tenancy_http_suite::stage::tenancy;
use tenancy_tonic::{Central, TenancyLayer, TenancyRequest as _};
use tonic::body::Body;
use tonic::service::interceptor::InterceptedService;
use tonic::{Code, Request, Response, Status};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Answered, Served, TestApp, asking, authenticate, frame, read, unary};

fn whoami() -> Served {
    unary(async |request: Request<String>| -> Answered<String> {
        let scope = request.tenant_scope()?;
        Ok(Response::new(scope.tenant_id().to_string()))
    })
}

fn is_internal((answer, status): &(Vec<String>, Status)) -> bool {
    answer.is_empty() && status.code() == Code::Internal && status.message() == "internal error"
}

fn app(routes: tonic::service::Routes) -> TestApp {
    TestApp::routed(routes)
}

#[tokio::test]
async fn authentication_inside_the_layer_admits_nobody() {
    let (tenancy, ends) = tenancy();
    let inside = InterceptedService::new(whoami(), authenticate);
    let service = TenancyLayer::new(tenancy).layer(inside);
    let body = Body::new(http_body_util::Full::from(frame("")));
    let request = asking(0).header("x-tenant-id", "acme").body(body).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    let answer = answer.map(|body| Body::new(body.map_err(|_| Status::unknown("never"))));
    assert_eq!(read(answer).await.1.code(), Code::NotFound);
    assert!(ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn the_layer_twice_is_an_internal_error() {
    let ((outer, outer_ends), (inner, inner_ends)) = (tenancy(), tenancy());
    let inside = TenancyLayer::new(inner).layer(whoami());
    let twice = TenancyLayer::new(outer).layer(inside);
    let app = app(tonic::service::Routes::new(twice));
    assert!(is_internal(&app.texts("acme", &[""]).await));
    assert_eq!(outer_ends.take().len(), 1, "the outer scope was closed");
    assert!(inner_ends.take().is_empty(), "no inner scope was opened");
}

/// Core would allow it: a tenant's work inside central work.
#[tokio::test]
async fn a_tenants_layer_inside_a_central_one_is_an_internal_error() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy);
    let central = layer.clone().central(Central::because("a test", |_| true));
    let app = app(tonic::service::Routes::new(
        central.layer(layer.layer(whoami())),
    ));
    assert!(is_internal(&app.texts("acme", &[""]).await));
    assert!(ends.take().is_empty(), "no tenant's scope was opened");
}

#[tokio::test]
async fn no_layer_is_an_internal_error() {
    let app = app(tonic::service::Routes::new(whoami()));
    assert!(is_internal(&app.texts("acme", &[""]).await));
    // Nor is a scope that happens to be open around the server taken for the call's.
    let (tenancy, _) = tenancy();
    let answer = tenancy
        .run("globex", async |_: &CoreScope| -> Result<_, Error> {
            Ok(app.texts("acme", &[""]).await)
        })
        .await;
    assert!(is_internal(&answer.unwrap()));
}

/// tonic takes the service with the layer in the service's own place.
#[tokio::test]
async fn a_layer_around_one_service_serves() {
    let (tenancy, _) = tenancy();
    let service = TenancyLayer::new(tenancy).layer(whoami());
    let app = app(tonic::service::Routes::new(service));
    assert_eq!(app.texts("acme", &[""]).await.0, ["acme"]);
}

#[tokio::test]
async fn a_layer_around_all_routes_serves() {
    let (tenancy, ends) = tenancy();
    let routes = TenancyLayer::new(tenancy).layer(tonic::service::Routes::new(whoami()));
    let service = InterceptedService::new(routes, authenticate);
    let body = Body::new(http_body_util::Full::from(frame("")));
    let request = asking(0).header("x-tenant-id", "acme").body(body).unwrap();
    let answer = service.oneshot(request).await.unwrap().map(Body::new);
    assert_eq!(read(answer).await.0, ["acme"]);
    assert_eq!(ends.take().len(), 1);
}
