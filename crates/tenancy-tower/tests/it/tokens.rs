//! Callers with tokens, which the layer itself verifies.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use axum::{Extension, Router};
use http::request::Builder;
use http::{HeaderMap, StatusCode};
use tenancy_core::Ending;
use tenancy_http_suite::stage::Ends;
use tenancy_http_suite::tokens::{bad_authorizations, bearer, jwt, tenancy};
use tenancy_tower::{Principal, TenancyLayer, TenantScope, VerifiedToken};

use crate::support::{send, text};

async fn whoami(scope: TenantScope, Extension(principal): Extension<Principal>) -> String {
    let token = principal.get::<VerifiedToken>().unwrap();
    format!("{} {}", scope.tenant_id(), token.subject())
}

fn app() -> (Router, Ends) {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    (Router::new().route("/", get(whoami)).layer(layer), ends)
}

async fn answer(app: &Router, request: Builder) -> (StatusCode, HeaderMap, String) {
    let response = send(app, request.body(Body::empty()).unwrap()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, text(response).await)
}

#[tokio::test]
async fn a_token_says_who_asks_and_whose() {
    let (app, ends) = app();
    for tenant in ["acme", "globex"] {
        let request = Request::get("/").header("authorization", bearer(tenant));
        let answer = answer(&app, request).await;
        assert_eq!(
            (answer.0, answer.2),
            (StatusCode::OK, format!("{tenant} ann"))
        );
    }
    assert_eq!(ends.take().len(), 2);
}

#[tokio::test]
async fn bad_tokens_are_answered_as_an_unknown_tenant() {
    let (app, ends) = app();
    let get = || Request::get("/");
    let unknown = answer(&app, get().header("authorization", bearer("nobody"))).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
    for (what, values) in bad_authorizations() {
        for named in [None, Some("acme"), Some("nobody")] {
            let request = values.iter().fold(get(), |request, value| {
                request.header("authorization", value)
            });
            let request = match named {
                None => request,
                Some(tenant) => request.header("x-tenant-id", tenant),
            };
            assert_eq!(answer(&app, request).await, unknown, "{what}");
        }
    }
    // Suspended, another's, and no token at all.
    let others = [
        get().header("authorization", bearer("sleepy")),
        get().header("x-tenant-id", "acme"),
        get().header("x-tenant-id", "nobody"),
    ];
    for request in others {
        assert_eq!(answer(&app, request).await, unknown);
    }
    assert!(ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn a_token_of_one_tenant_opens_no_other() {
    let (app, ends) = app();
    let both = |tenant| {
        let token = bearer("acme");
        Request::get("/")
            .header("authorization", token)
            .header("x-tenant-id", tenant)
    };
    assert_eq!(
        answer(&app, both("globex")).await.0,
        StatusCode::BAD_REQUEST
    );
    assert!(ends.take().is_empty(), "no scope was opened");
    assert_eq!(answer(&app, both("acme")).await.0, StatusCode::OK);
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn authentication_in_two_places_is_an_internal_error() {
    let (app, ends) = app();
    let outside = from_fn(async |mut request: Request, next: Next| {
        request.extensions_mut().insert(Principal::new("somebody"));
        next.run(request).await
    });
    let app = app.layer(outside);
    for request in [
        Request::get("/").header("authorization", bearer("acme")),
        Request::get("/").header("x-tenant-id", "acme"),
    ] {
        let status = answer(&app, request).await.0;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert!(ends.take().is_empty(), "no scope was opened");
}
