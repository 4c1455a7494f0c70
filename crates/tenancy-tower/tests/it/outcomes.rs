//! Every way in which a request is admitted or refused, and what the client is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::{HeaderValue, StatusCode};
use tenancy_core::{
    BoxError, Domain, Header, Membership, PathSegment, RequestView, Subdomain, Tenancy, TenantId,
    TenantRecord, TenantStore,
};
use tenancy_tower::{Refused, TenancyLayer};

use crate::support::{
    Ends, Members, app, request, scoped_app, send, status_and_text, store, tenancy_over, text,
    whoami_routes,
};

/// An application that counts how often its handler ran.
fn counting() -> (Router, Arc<AtomicUsize>, Ends) {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let handler = move || async move {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let (app, ends) = scoped_app(Router::new().route("/", get(handler)));
    (app, ran, ends)
}

async fn assert_refused(request: Request, refused: Refused) {
    let (app, ran, ends) = counting();
    let response = send(&app, request).await;
    assert_eq!(response.status(), refused.status());
    assert_eq!(text(response).await, refused.message());
    assert_eq!(ran.load(Ordering::Relaxed), 0, "the handler ran");
    assert!(ends.all().is_empty(), "a scope was opened");
}

#[tokio::test]
async fn a_member_is_served_in_the_scope_of_the_tenant() {
    let (app, ends) = scoped_app(whoami_routes());
    for tenant in ["acme", "globex"] {
        let answer = status_and_text(&app, request(tenant, "/whoami")).await;
        assert_eq!(answer, (StatusCode::OK, tenant.to_owned()));
        assert_eq!(ends.of(tenant), [tenancy_core::Ending::Completed]);
    }
}

#[tokio::test]
async fn a_spoofed_header_is_refused_for_who_is_no_member() {
    assert_refused(request("private", "/"), Refused::NotFound).await;
    // Nobody is logged in at all.
    let mut anonymous = request("acme", "/");
    anonymous.headers_mut().remove("authorization");
    assert_refused(anonymous, Refused::NotFound).await;
}

#[tokio::test]
async fn unknown_and_suspended_are_not_found() {
    assert_refused(request("nobody", "/"), Refused::NotFound).await;
    assert_refused(request("sleepy", "/"), Refused::NotFound).await;
}

#[tokio::test]
async fn no_identifier_is_a_bad_request_also_for_unknown_paths() {
    for path in ["/", "/no/such/route"] {
        let mut nameless = request("acme", path);
        nameless.headers_mut().remove("x-tenant-id");
        assert_refused(nameless, Refused::NoTenant).await;
    }
}

#[tokio::test]
async fn invalid_identifiers_are_bad_requests() {
    for value in [
        "Acme",
        "",
        " ",
        "acme,globex",
        "../acme",
        "acme ",
        "a\tb",
        &"a".repeat(64),
    ] {
        let mut hostile = request("acme", "/");
        let Ok(value) = HeaderValue::from_str(value) else {
            continue;
        };
        hostile.headers_mut().insert("x-tenant-id", value);
        assert_refused(hostile, Refused::NoTenant).await;
    }
    let mut not_text = request("acme", "/");
    let value = HeaderValue::from_bytes(b"ac\xffme").unwrap();
    not_text.headers_mut().insert("x-tenant-id", value);
    assert_refused(not_text, Refused::NoTenant).await;
}

#[tokio::test]
async fn duplicate_headers_are_bad_requests_whichever_comes_first() {
    for (first, second) in [("acme", "globex"), ("globex", "acme"), ("acme", "private")] {
        let mut twice = request(first, "/");
        twice
            .headers_mut()
            .append("x-tenant-id", HeaderValue::from_static(second));
        assert_refused(twice, Refused::NoTenant).await;
    }
}

#[tokio::test]
async fn a_header_that_contradicts_the_verified_claim_is_a_bad_request() {
    let mut torn = request("acme", "/");
    torn.headers_mut()
        .insert("x-claim", HeaderValue::from_static("globex"));
    assert_refused(torn, Refused::NoTenant).await;
}

#[tokio::test]
async fn a_verified_claim_names_the_tenant() {
    let (app, _) = scoped_app(whoami_routes());
    let mut claimed = request("acme", "/whoami");
    claimed.headers_mut().remove("x-tenant-id");
    claimed
        .headers_mut()
        .insert("x-claim", HeaderValue::from_static("globex"));
    assert_eq!(
        status_and_text(&app, claimed).await,
        (StatusCode::OK, "globex".to_owned())
    );
}

#[tokio::test]
async fn the_authority_of_the_uri_names_the_host() {
    let tenancy = Tenancy::builder(store())
        .resolve(Subdomain::of("example.com"))
        .authorize(Members)
        .build();
    let app = app(whoami_routes(), TenancyLayer::new(tenancy));
    let ask = |uri: &str| {
        Request::get(uri)
            .header("authorization", "acme,globex")
            .body(Body::empty())
            .unwrap()
    };
    let answer = status_and_text(&app, ask("http://acme.example.com/whoami")).await;
    assert_eq!(answer, (StatusCode::OK, "acme".to_owned()));
    let mut torn = ask("http://acme.example.com/whoami");
    torn.headers_mut()
        .insert("host", HeaderValue::from_static("globex.example.com"));
    assert_eq!(send(&app, torn).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_path_names_the_tenant_also_inside_a_nested_router() {
    let tenancy = Tenancy::builder(store())
        .resolve(PathSegment::after("/t"))
        .authorize(Members)
        .build();
    let inner = app(whoami_routes(), TenancyLayer::new(tenancy));
    let app = Router::new().nest("/t/{tenant}", inner);
    let answer = status_and_text(&app, request("globex", "/t/acme/whoami")).await;
    assert_eq!(answer, (StatusCode::OK, "acme".to_owned()));
    let escaped = send(&app, request("acme", "/t/%61cme/whoami")).await;
    assert_eq!(escaped.status(), StatusCode::BAD_REQUEST);
    let foreign = send(&app, request("acme", "/t/private/whoami")).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
}

struct Down;

impl TenantStore for Down {
    async fn find(&self, _: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
        Err("postgres://app:secret@db.internal refused the connection".into())
    }

    async fn find_by_domain(&self, _: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        Err("postgres://app:secret@db.internal refused the connection".into())
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable_without_a_detail() {
    let (tenancy, ends) = tenancy_over(Down);
    let app = app(whoami_routes(), TenancyLayer::new(tenancy));
    let response = send(&app, request("acme", "/whoami")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let all = format!("{:?}", response.headers()) + &text(response).await;
    assert!(!all.contains("secret") && !all.contains("acme"), "{all}");
    assert!(ends.all().is_empty());
}

struct FailingMembers;

impl Membership for FailingMembers {
    async fn is_member(&self, _: &TenantId, _: &dyn RequestView) -> Result<bool, BoxError> {
        Err("the directory of members is down".into())
    }
}

#[tokio::test]
async fn a_membership_check_that_fails_lets_nobody_in() {
    let tenancy = Tenancy::builder(store())
        .resolve(Header::named("x-tenant-id"))
        .authorize(FailingMembers)
        .build();
    let app = app(whoami_routes(), TenancyLayer::new(tenancy));
    let answer = status_and_text(&app, request("acme", "/whoami")).await;
    assert_eq!(
        answer,
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Refused::TryLater.message().to_owned()
        )
    );
}
