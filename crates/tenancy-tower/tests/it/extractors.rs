//! What handlers ask for.

use axum::Router;
use axum::extract::{FromRef, FromRequestParts};
use axum::response::IntoResponse;
use axum::routing::get;
use http::StatusCode;
use tenancy_core::{Ending, Error, ScopedDatabase};
use tenancy_tower::{
    MissingLayer, NoConnection, Refused, Scoped, TenancyLayer, Tenant, TenantScope,
};

use crate::spans::collect_logs;
use crate::support::{app, request, scoped_app, send, status_and_text, tenancy, text};

#[tokio::test]
async fn the_tenant_is_the_stores() {
    async fn show(tenant: Tenant, scope: TenantScope) -> String {
        assert_eq!(tenant.id(), scope.tenant_id());
        format!("{} {:?}", tenant.id(), tenant.status())
    }
    let (app, _) = scoped_app(Router::new().route("/", get(show)));
    assert_eq!(
        status_and_text(&app, request("acme", "/")).await.1,
        "acme Active"
    );
}

#[tokio::test]
async fn without_the_layer_the_client_gets_a_plain_internal_error() {
    let bare: Router = Router::new()
        .route("/scope", get(async |_: TenantScope| "served"))
        .route("/tenant", get(async |_: Tenant| "served"))
        .route(
            "/scoped",
            get(async |_: Scoped<Shelves>| "served").with_state(Shelves { up: true }),
        );
    for path in ["/scope", "/tenant", "/scoped"] {
        let response = send(&bare, request("acme", path)).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text(response).await, Refused::Misconfigured.message());
    }
}

#[tokio::test]
async fn a_route_added_after_the_layer_has_none() {
    let (tenancy, _) = tenancy();
    let app = app(Router::new(), TenancyLayer::new(tenancy))
        .route("/late", get(async |_: TenantScope| "served"));
    let status = send(&app, request("acme", "/late")).await.status();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_handler_may_look_at_the_rejection_and_gets_no_scope_by_it() {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    // An ambient scope alone is not this request's.
    let (tenancy, _) = tenancy();
    let rejected = tenancy
        .run(
            "acme",
            async |_: &tenancy_core::TenantScope| -> Result<_, Error> {
                Ok(TenantScope::from_request_parts(&mut parts, &()).await)
            },
        )
        .await
        .unwrap();
    assert_eq!(rejected.unwrap_err(), MissingLayer);
}

/// A database of one shelf for each tenant.
#[derive(Clone)]
struct Shelves {
    up: bool,
}

#[derive(Debug, thiserror::Error)]
enum ShelfError {
    #[error("the shelf of secret-host:5432 is down")]
    Down,
    #[error(transparent)]
    Scope(#[from] Error),
}

impl ScopedDatabase for Shelves {
    type Connection = String;
    type Error = ShelfError;

    async fn acquire_owned(&self, scope: tenancy_core::TenantScope) -> Result<String, ShelfError> {
        scope.ensure_usable()?;
        // The check-out is made in the ambient scope as well.
        assert!(tenancy_core::TenantScope::current()?.is_same_scope(&scope));
        if self.up {
            Ok(format!("shelf of {}", scope.tenant_id()))
        } else {
            Err(ShelfError::Down)
        }
    }
}

#[derive(Clone)]
struct App {
    db: Shelves,
}

impl FromRef<App> for Shelves {
    fn from_ref(app: &App) -> Self {
        app.db.clone()
    }
}

async fn read(Scoped(mut db): Scoped<Shelves>) -> String {
    db.push('!');
    db
}

#[tokio::test]
async fn the_scoped_database_is_bound_to_the_requests_scope() {
    let routes = Router::new().route("/", get(read)).with_state(App {
        db: Shelves { up: true },
    });
    let (app, _) = scoped_app(routes);
    assert_eq!(
        status_and_text(&app, request("acme", "/")).await.1,
        "shelf of acme!"
    );
    assert_eq!(
        status_and_text(&app, request("globex", "/")).await.1,
        "shelf of globex!"
    );
}

#[tokio::test]
async fn a_database_that_is_down_is_unavailable_without_a_detail() {
    let routes = Router::new().route("/", get(read)).with_state(App {
        db: Shelves { up: false },
    });
    let (app, ends) = scoped_app(routes);
    let answer = status_and_text(&app, request("acme", "/")).await;
    assert_eq!(
        answer,
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Refused::TryLater.message().to_owned()
        )
    );
    assert_eq!(ends.of("acme"), [Ending::Completed]);
}

#[test]
fn rejections_name_their_cause_in_their_source_only() {
    collect_logs();
    let error = NoConnection::Acquire(ShelfError::Down.into());
    assert!(!error.to_string().contains("secret-host"));
    assert!(
        std::error::Error::source(&error)
            .unwrap()
            .to_string()
            .contains("secret-host")
    );
    assert_eq!(
        error.into_response().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert!(
        MissingLayer
            .to_string()
            .contains(".layer(TenancyLayer::new(tenancy))")
    );
}
