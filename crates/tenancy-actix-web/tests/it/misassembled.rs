//! Middleware put together wrongly: refused cleanly, never served in a wrong scope.

use actix_web::App;
use actix_web::dev::Service as _;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{resource, scope};
use tenancy_actix_web::{Central, TenancyLayer, TenantScope};
use tenancy_core::{Error, TenantScope as CoreScope};
use tenancy_http_suite::stage::tenancy;

use crate::support::{INTERNAL, TestApp, authenticate};

async fn whoami(scope: TenantScope) -> String {
    scope.tenant_id().to_string()
}

#[actix_web::test]
async fn authentication_inside_the_layer_admits_nobody() {
    let (tenancy, ends) = tenancy();
    let app = App::new()
        .service(resource("/").get(whoami))
        .wrap(from_fn(authenticate)) // wrapped first, so it runs last
        .wrap(TenancyLayer::new(tenancy));
    let app = init_service(app).await;
    let request = TestRequest::get().insert_header(("x-tenant-id", "acme"));
    let response = app.call(request.to_request()).await.unwrap();
    assert_eq!(response.status().as_u16(), 404);
    assert!(ends.take().is_empty(), "no scope was opened");
}

#[actix_web::test]
async fn the_layer_twice_is_an_internal_error() {
    let ((outer, outer_ends), (inner, inner_ends)) = (tenancy(), tenancy());
    let app = TestApp::configured(|config| {
        let routes = scope("")
            .service(resource("/").get(whoami).wrap(TenancyLayer::new(inner)))
            .wrap(TenancyLayer::new(outer));
        config.service(routes);
    })
    .await;
    let answer = app.text("acme", "/").await;
    assert_eq!(answer, (INTERNAL, "internal error\n".to_owned()));
    assert_eq!(outer_ends.take().len(), 1, "the outer scope was closed");
    assert!(inner_ends.take().is_empty(), "no inner scope was opened");
}

/// Core would allow it: a tenant's work inside central work.
#[actix_web::test]
async fn a_tenants_layer_inside_a_central_one_is_an_internal_error() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy);
    let central = layer.clone().central(Central::because("a test", |_| true));
    let app = TestApp::configured(|config| {
        let inner = scope("").service(resource("/").get(whoami).wrap(layer));
        config.service(inner.wrap(central));
    })
    .await;
    assert_eq!(app.text("acme", "/").await.0, INTERNAL);
    assert!(ends.take().is_empty(), "no tenant's scope was opened");
}

#[actix_web::test]
async fn no_layer_is_an_internal_error() {
    let app = TestApp::configured(|config| {
        config.service(resource("/").get(whoami));
    })
    .await;
    let answer = app.text("acme", "/").await;
    assert_eq!(answer, (INTERNAL, "internal error\n".to_owned()));
}

/// Nor is a scope that happens to be open around the server taken for the request's.
#[actix_web::test]
async fn an_ambient_scope_around_it_is_not_the_requests() {
    let app = TestApp::configured(|config| {
        config.service(resource("/").get(whoami));
    })
    .await;
    let (tenancy, _) = tenancy();
    // An Actix application isn't `Send`, so `run` can't hold it: this stands for a scope around it.
    let open = tenancy.run("globex", async |_: &CoreScope| CoreScope::current());
    let scope: Result<_, Error> = open.await;
    let answer = scope.unwrap().scope(app.text("acme", "/")).await;
    assert_eq!(answer.0, INTERNAL);
}
