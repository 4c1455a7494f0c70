//! Callers with tokens, which the layer itself verifies.

use rocket::http::{Header, Status};
use rocket::local::asynchronous::Client;
use rocket::request::{FromRequest, Outcome};
use rocket::{Request, get, routes};
use tenancy_http_suite::stage::Headers;
use tenancy_http_suite::tokens::{bearer, judge, jwt, tenancy};
use tenancy_rocket::{Identify as _, Routes, TenancyLayer, TenantScope, VerifiedToken};

use crate::support::{answered, rocket, unauthenticated};

struct Subject(String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Subject {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let principal = request.principal().unwrap();
        let token = principal.get::<VerifiedToken>().unwrap();
        Outcome::Success(Self(token.subject().to_owned()))
    }
}

#[get("/")]
fn whoami(scope: TenantScope, subject: Subject) -> String {
    format!("{} {}", scope.tenant_id(), subject.0)
}

#[rocket::async_test]
async fn they_are_judged_as_in_every_framework() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let routes = Routes::new(layer).tenant("/", routes![whoami]);
    let client = Client::untracked(unauthenticated().attach(routes))
        .await
        .unwrap();
    judge(&ends, async |headers: Headers| {
        answered(&client, headers).await
    })
    .await;
}

#[rocket::async_test]
async fn authentication_in_two_places_is_an_internal_error() {
    let (tenancy, ends) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let routes = Routes::new(layer).tenant("/", routes![whoami]);
    let client = Client::untracked(rocket().attach(routes)).await.unwrap();
    let asked = client
        .get("/")
        .header(Header::new("authorization", bearer("acme")));
    assert_eq!(asked.dispatch().await.status(), Status::InternalServerError);
    assert!(ends.take().is_empty(), "no scope was opened");
}

#[get("/forwarded", rank = 1)]
fn passes_on(_never: Never) -> &'static str {
    "never"
}

/// Forwards every request.
struct Never;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Never {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        assert!(
            request.principal().is_some(),
            "the first route's layer found it"
        );
        Outcome::Forward(Status::NotFound)
    }
}

#[get("/forwarded", rank = 2)]
fn without_a_scope(request: Asked) -> String {
    request.0.to_string()
}

/// Whether somebody asks.
struct Asked(bool);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Asked {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        Outcome::Success(Self(request.principal().is_some()))
    }
}

/// What one route's layer found says nothing on the next route.
#[rocket::async_test]
async fn a_request_that_is_forwarded_is_nobodys_again() {
    let (tenancy, _) = tenancy();
    let layer = TenancyLayer::new(tenancy).authenticate(jwt());
    let routes = Routes::new(layer)
        .tenant("/", routes![passes_on])
        .open("/", routes![without_a_scope]);
    let client = Client::untracked(unauthenticated().attach(routes))
        .await
        .unwrap();
    let asked = client
        .get("/forwarded")
        .header(Header::new("authorization", bearer("acme")));
    let response = asked.dispatch().await;
    assert_eq!(response.into_string().await.as_deref(), Some("false"));
}
