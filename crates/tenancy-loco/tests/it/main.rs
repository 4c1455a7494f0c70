//! Applications that are put together right and wrong.

#![allow(clippy::unwrap_used)] // tests' helpers, which the lint does not take for tests

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use loco_rs::app::{AppContext, Initializer as _};
use loco_rs::controller::{AppRoutes, Routes};
use loco_rs::doctor::CheckStatus;
use loco_rs::prelude::get;
use tenancy_core::TenantScope as Scope;
use tenancy_loco::{
    Central, CentralScope, NoTenancy, TenancyInitializer, TenancyLayer, TenantScope, tenancy,
};
use tower::ServiceExt as _;

use crate::support::{App, asked, context, started, text};

/// An application with these routes.
macro_rules! app {
    ($name:ident, $routes:expr) => {
        struct $name;
        impl App for $name {
            fn routes() -> AppRoutes {
                $routes
            }
        }
    };
}

app!(
    Notes,
    AppRoutes::with_default_routes()
        .add_route(
            Routes::new()
                .prefix("/notes")
                .add("/", get(own))
                .add("/{id}", get(own))
        )
        .add_route(Routes::new().prefix("/admin").add("/count", get(count)))
        .add_route(Routes::new().add("/", get(nobodys)))
);

async fn own(scope: TenantScope) -> String {
    // It is the ambient one, too.
    let ambient = Scope::current().unwrap();
    assert_eq!(ambient.tenant_id(), scope.tenant_id());
    scope.tenant_id().to_string()
}

async fn count(scope: CentralScope) -> String {
    scope.reason().to_owned()
}

async fn nobodys() -> String {
    format!("{}", Scope::current().is_err())
}

fn initializer(context: &AppContext) -> TenancyInitializer<support::Hooked<Notes>> {
    TenancyInitializer::new(TenancyLayer::new(tenancy(context).unwrap()))
        .tenant("/notes")
        .central("/admin", Central::because("counting", |_| true))
        .open("/")
}

#[tokio::test]
async fn each_route_has_what_was_said_of_it() {
    let context = context();
    let router = started(&context, initializer(&context)).await.unwrap();
    for (path, tenant, said) in [
        ("/notes", "acme", "acme"),
        ("/notes/7", "globex", "globex"),
        ("/admin/count", "", "counting"),
        ("/", "acme", "true"),
    ] {
        let answer = router.clone().oneshot(asked(path, tenant)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(text(answer).await, said, "{path}");
    }
    for (path, tenant, status) in [
        ("/notes", "", StatusCode::BAD_REQUEST),
        ("/notes", "unknown", StatusCode::NOT_FOUND),
        ("/notes/7", "suspended", StatusCode::NOT_FOUND),
        ("/_ping", "", StatusCode::OK),
        ("/nowhere", "acme", StatusCode::NOT_FOUND),
    ] {
        let answer = router.clone().oneshot(asked(path, tenant)).await.unwrap();
        assert_eq!(answer.status(), status, "{path} {tenant}");
    }
}

/// The route that was matched decides, however its path is spelled.
#[tokio::test]
async fn no_spelling_of_a_path_leads_past_the_layer() {
    let context = context();
    let router = started(&context, initializer(&context)).await.unwrap();
    for path in [
        "/%6eotes",
        "//notes",
        "/notes/",
        "/./notes",
        "/admin/../notes",
        "/notes/%2e%2e",
        "/notes;x",
        "/NOTES",
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert!(answer.status().is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn a_route_that_nothing_was_said_of_stops_the_start() {
    let context = context();
    let layer = TenancyLayer::new(tenancy(&context).unwrap());
    let forgotten = TenancyInitializer::<support::Hooked<Notes>>::new(layer)
        .tenant("/notes")
        .open_monitoring();
    let check = forgotten.check(&context).await.unwrap().unwrap();
    assert!(matches!(check.status, CheckStatus::NotOk));
    let told = check.description.unwrap();
    assert!(told.contains("/, /admin/count;"), "{told}");
    let refused = started(&context, forgotten).await.unwrap_err();
    assert!(refused.to_string().contains("/admin/count"), "{refused}");

    let whole = initializer(&context);
    let check = whole.check(&context).await.unwrap().unwrap();
    assert!(matches!(check.status, CheckStatus::Ok));
}

/// What is added past `Hooks::routes` has no scope.
#[tokio::test]
async fn a_route_that_was_added_otherwise_has_no_scope() {
    let context = context();
    let router = support::routed::<Notes>(&context).await;
    let router = router.route("/added", axum::routing::get(own));
    let router = initializer(&context)
        .after_routes(router, &context)
        .await
        .unwrap();
    let answer = router.oneshot(asked("/added", "acme")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_context_without_a_tenancy_is_told() {
    let empty = support::empty_context();
    assert_eq!(tenancy(&empty).err(), Some(NoTenancy));
}
