//! Middleware put together wrongly: refused cleanly, never served in a wrong scope.

use poem::http::StatusCode;
use poem::{Endpoint as _, EndpointExt as _, Request, Route, get, handler};
use tenancy_core::{Error, TenantScope as CoreScope};
use tenancy_http_suite::stage::tenancy;
use tenancy_poem::{Central, TenancyLayer, TenantScope};

use crate::support::{TestApp, authenticate};

#[handler]
fn whoami(scope: TenantScope) -> String {
    scope.tenant_id().to_string()
}

fn internal() -> (StatusCode, String) {
    let text = "internal error\n".to_owned();
    (StatusCode::INTERNAL_SERVER_ERROR, text)
}

#[tokio::test]
async fn authentication_inside_the_layer_admits_nobody() {
    let (tenancy, ends) = tenancy();
    let app = Route::new()
        .at("/", get(whoami))
        .before(authenticate) // added first, so it runs last
        .with(TenancyLayer::new(tenancy));
    let request = Request::builder().header("x-tenant-id", "acme").finish();
    let response = app.get_response(request).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn the_layer_twice_is_an_internal_error() {
    let ((outer, outer_ends), (inner, inner_ends)) = (tenancy(), tenancy());
    let inside = get(whoami).with(TenancyLayer::new(inner));
    let app = TestApp::routed(Route::new().at("/", inside.with(TenancyLayer::new(outer))));
    assert_eq!(app.text("acme", "/").await, internal());
    assert_eq!(outer_ends.take().len(), 1, "the outer scope was closed");
    assert!(inner_ends.take().is_empty(), "no inner scope was opened");
}

/// Core would allow it: a tenant's work inside central work.
#[tokio::test]
async fn a_tenants_layer_inside_a_central_one_is_an_internal_error() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy);
    let central = layer.clone().central(Central::because("a test", |_| true));
    let app = TestApp::routed(Route::new().at("/", get(whoami).with(layer).with(central)));
    assert_eq!(app.text("acme", "/").await, internal());
    assert!(ends.take().is_empty(), "no tenant's scope was opened");
}

#[tokio::test]
async fn no_layer_is_an_internal_error() {
    let app = TestApp::routed(Route::new().at("/", get(whoami)));
    assert_eq!(app.text("acme", "/").await, internal());
    // Nor is a scope that happens to be open around the server taken for the request's.
    let (tenancy, _) = tenancy();
    let answer = tenancy
        .run("globex", async |_: &CoreScope| -> Result<_, Error> {
            Ok(app.text("acme", "/").await)
        })
        .await;
    assert_eq!(answer.unwrap(), internal());
}
