//! Layers put together wrongly: refused cleanly, never served in a wrong scope.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tenancy_core::{Error, TenantScope as CoreScope};
use tenancy_tower::{Central, Refused, TenancyLayer};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    Members, app, authenticate, request, status_and_text, tenancy, text, whoami_routes,
};

#[tokio::test]
async fn authentication_inside_the_layer_admits_nobody() {
    let (tenancy, ends) = tenancy();
    let app = whoami_routes()
        .layer(from_fn(authenticate)) // added first, so it runs last
        .layer(TenancyLayer::new(tenancy));
    let answer = status_and_text(&app, request("acme", "/whoami")).await;
    assert_eq!(answer.0, StatusCode::NOT_FOUND);
    assert_eq!(ends.begun(), 0, "no scope was opened");
}

#[tokio::test]
async fn the_layer_twice_is_an_internal_error() {
    let (outer, outer_ends) = tenancy();
    let (inner, inner_ends) = tenancy();
    for inner in [outer.clone(), inner] {
        let routes: Router = whoami_routes().layer(TenancyLayer::new(inner));
        let app = app(routes, TenancyLayer::new(outer.clone()));
        let answer = status_and_text(&app, request("acme", "/whoami")).await;
        let expected = (
            StatusCode::INTERNAL_SERVER_ERROR,
            Refused::Misconfigured.message().into(),
        );
        assert_eq!(answer, expected);
    }
    assert_eq!(outer_ends.all().len(), 2, "the outer scopes were closed");
    assert!(inner_ends.all().is_empty(), "no inner scope was opened");
}

/// Core would allow it: a tenant's work inside central work.
#[tokio::test]
async fn a_tenants_layer_inside_a_central_one_is_an_internal_error() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy);
    let central = layer.clone().central(Central::because("a test", |_| true));
    let app = app(whoami_routes().layer(layer), central);
    let answer = status_and_text(&app, request("acme", "/whoami")).await;
    assert_eq!(answer.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(ends.all().is_empty(), "no tenant's scope was opened");
}

#[tokio::test]
async fn the_layer_twice_with_a_task_between_is_an_internal_error() {
    let (tenancy, _) = tenancy();
    let layer = TenancyLayer::new(tenancy);
    let inner = layer.layer(service_fn(async |_: Request| {
        Ok::<_, Infallible>(Response::new(Body::from("served")))
    }));
    let spawning = service_fn(move |request: Request| {
        let task = tokio::spawn(inner.clone().oneshot(request));
        async { Ok::<_, Infallible>(task.await.unwrap().unwrap().map(Body::new)) }
    });
    let mut asked = request("acme", "/");
    asked.extensions_mut().insert(Members::principal("acme"));
    let response = layer.layer(spawning).oneshot(asked).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        text(response.into_response()).await,
        Refused::Misconfigured.message()
    );
}

#[tokio::test]
async fn the_layer_inside_a_run_for_another_tenant_is_an_internal_error() {
    let (tenancy, _) = tenancy();
    let app = app(whoami_routes(), TenancyLayer::new(tenancy.clone()));
    let answer = tenancy
        .run("globex", async |_: &CoreScope| -> Result<_, Error> {
            Ok(status_and_text(&app, request("acme", "/whoami")).await)
        })
        .await
        .unwrap();
    assert_eq!(answer.0, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_tenancy_for_workers_serves_no_request() {
    let tenancy = tenancy_core::Tenancy::builder(crate::support::store())
        .without_requests()
        .build();
    let app = app(whoami_routes(), TenancyLayer::new(tenancy));
    let answer = status_and_text(&app, request("acme", "/whoami")).await;
    assert!(
        answer.0.is_client_error() || answer.0.is_server_error(),
        "{answer:?}"
    );
}
