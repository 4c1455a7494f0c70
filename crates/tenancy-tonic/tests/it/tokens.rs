//! Callers with tokens, which the layer itself verifies.

use http::request::Builder;
use tenancy_core::Ending;
use tenancy_http_suite::stage::{Ends, tenancy as interceptors_tenancy};
use tenancy_http_suite::tokens::{bad_authorizations, bearer, jwt, tenancy};
use tenancy_tonic::{Principal, Routes, TenancyLayer, TenancyRequest as _, VerifiedToken};
use tonic::{Code, Request, Response, Status};

use crate::support::{Answered, Served, TestApp, asking, read, unary};

async fn whoami(request: Request<String>) -> Answered<String> {
    let principal = request.extensions().get::<Principal>().unwrap();
    let token = principal.get::<VerifiedToken>().unwrap();
    let scope = request.tenant_scope()?;
    Ok(Response::new(format!(
        "{} {}",
        scope.tenant_id(),
        token.subject()
    )))
}

fn app() -> (TestApp, Ends) {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    (TestApp::unauthenticated(layer, unary(whoami)), ends)
}

async fn answer(app: &TestApp, head: Builder) -> (Vec<String>, Status) {
    read(app.send(head, &["ask"]).await).await
}

#[tokio::test]
async fn a_token_says_who_asks_and_whose() {
    let (app, ends) = app();
    for tenant in ["acme", "globex"] {
        let head = asking(0).header("authorization", bearer(tenant));
        let (texts, status) = answer(&app, head).await;
        assert_eq!(status.code(), Code::Ok);
        assert_eq!(texts, [format!("{tenant} ann")]);
    }
    assert_eq!(ends.take().len(), 2);
}

#[tokio::test]
async fn bad_tokens_are_answered_as_an_unknown_tenant() {
    let (app, ends) = app();
    for (what, values) in bad_authorizations() {
        for named in [None, Some("acme"), Some("nobody")] {
            let head = values
                .iter()
                .fold(asking(0), |head, value| head.header("authorization", value));
            let head = match named {
                None => head,
                Some(tenant) => head.header("x-tenant-id", tenant),
            };
            let (texts, status) = answer(&app, head).await;
            assert!(texts.is_empty(), "{what}");
            assert_eq!(status.code(), Code::NotFound, "{what}");
            assert_eq!(status.message(), "not found", "{what}");
        }
    }
    // Unknown, suspended, another's, and no token at all.
    for head in [
        asking(0).header("authorization", bearer("nobody")),
        asking(0).header("authorization", bearer("sleepy")),
        asking(0).header("x-tenant-id", "acme"),
        asking(0).header("x-tenant-id", "nobody"),
    ] {
        assert_eq!(answer(&app, head).await.1.code(), Code::NotFound);
    }
    assert!(ends.take().is_empty(), "no scope was opened");
}

#[tokio::test]
async fn a_token_of_one_tenant_opens_no_other() {
    let (app, ends) = app();
    let both = |tenant| {
        let head = asking(0).header("authorization", bearer("acme"));
        head.header("x-tenant-id", tenant)
    };
    let other = answer(&app, both("globex")).await.1;
    assert_eq!(other.code(), Code::InvalidArgument);
    assert!(ends.take().is_empty(), "no scope was opened");
    assert_eq!(answer(&app, both("acme")).await.1.code(), Code::Ok);
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn authentication_in_two_places_is_an_internal_error() {
    let (tenancy, ends) = interceptors_tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let served: Served = unary(whoami);
    let app = TestApp::routed(Routes::new(layer).tenant(served).finish());
    for head in [
        asking(0).header("authorization", bearer("acme")),
        asking(0).header("x-tenant-id", "acme"),
    ] {
        assert_eq!(answer(&app, head).await.1.code(), Code::Internal);
    }
    assert!(ends.take().is_empty(), "no scope was opened");
}
