//! Routes that say what they give access to.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use tenancy_core::{Context, Error, RequestView};
use tenancy_tower::{Central, CentralScope, Routes, TenancyLayer, TenantScope};

use crate::support::{Ends, User, authenticate, request, status_and_text, tenancy};

/// Whose scope is ambient here.
fn ambient() -> String {
    match Context::current() {
        Context::Tenant(scope) => scope.tenant_id().to_string(),
        Context::Central(_) => "central".to_owned(),
        Context::None => "none".to_owned(),
    }
}

fn central(admits: bool) -> Central {
    Central::because("a test", move |request: &dyn RequestView| {
        admits && request.principal_as::<User>().is_some()
    })
}

async fn why(scope: CentralScope) -> Body {
    assert_eq!(scope.reason(), "a test");
    assert_eq!(ambient(), "central");
    Body::from_stream(stream::iter(0..1).map(|_| Ok::<_, Error>(ambient())))
}

fn app(add: impl FnOnce(Routes) -> Routes) -> (Router, Ends) {
    let (tenancy, ends) = tenancy();
    let routes = add(Routes::new(TenancyLayer::new(tenancy)));
    (routes.finish().layer(from_fn(authenticate)), ends)
}

#[tokio::test]
async fn a_central_route_has_a_central_scope_and_its_body_too() {
    let (app, ends) = app(|routes| {
        routes
            .central("/why", central(true), get(why))
            .central("/barred", central(false), get(why))
            .central("/wrong", central(true), get(async |_: TenantScope| "never"))
            .tenant("/tenant", get(why))
    });
    let answer = status_and_text(&app, request("", "/why")).await;
    assert_eq!(answer, (StatusCode::OK, "central".to_owned()));
    let answer = status_and_text(&app, request("", "/barred")).await;
    assert_eq!(answer, (StatusCode::NOT_FOUND, "not found\n".to_owned()));
    let unknown = Request::get("/why").body(Body::empty()).unwrap();
    let answer = status_and_text(&app, unknown).await;
    assert_eq!(answer.0, StatusCode::NOT_FOUND, "nobody has authenticated");
    for path in ["/wrong", "/tenant"] {
        let answer = status_and_text(&app, request("acme", path)).await;
        assert_eq!(answer.0, StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(
        ends.all().len(),
        1,
        "the tenant's route alone opened a tenant's scope"
    );
}

/// A central scope is over with its response, as a tenant's is.
#[tokio::test]
async fn a_central_scope_that_was_kept_opens_nothing() {
    type Kept = std::sync::Arc<std::sync::Mutex<Option<CentralScope>>>;
    async fn keep(scope: CentralScope, Extension(kept): Extension<Kept>) {
        scope.ensure_usable().unwrap();
        *kept.lock().unwrap() = Some(scope);
    }
    let kept = Kept::default();
    let layer = Extension(kept.clone());
    let (app, _) = app(|routes| routes.central("/", central(true), get(keep).layer(layer)));
    assert_eq!(
        status_and_text(&app, request("", "/")).await.0,
        StatusCode::OK
    );
    let kept = kept.lock().unwrap().take().unwrap();
    assert!(matches!(kept.ensure_usable(), Err(Error::ScopeEnded)));
}

#[tokio::test]
async fn an_open_route_has_none() {
    let (app, ends) = app(|routes| routes.open("/", get(async || ambient())));
    let answer = status_and_text(&app, request("acme", "/")).await;
    assert_eq!(answer, (StatusCode::OK, "none".to_owned()));
    assert!(ends.all().is_empty());
}
