//! A connection as a request guard.

use rocket::http::Status;
use rocket::{get, routes};
use tenancy_http_suite::stage::{Exhausted, Shelves, tenancy};
use tenancy_rocket::{Routes, Scoped, TenancyLayer};

use crate::support::{TestApp, rocket};

#[get("/shelf")]
fn shelf(shelf: Scoped<Shelves>) -> String {
    shelf.0
}

#[get("/exhausted")]
fn exhausted(_db: Scoped<Exhausted>) -> &'static str {
    "never"
}

#[rocket::async_test]
async fn it_is_bound_to_the_requests_scope() {
    let (tenancy, _) = tenancy();
    let routes = Routes::new(TenancyLayer::new(tenancy))
        .tenant("/", routes![shelf, exhausted])
        .open("/open", routes![shelf]);
    let app = TestApp::launched(rocket().manage(Exhausted).attach(routes)).await;
    let answer = app.text("globex", "/shelf").await;
    assert_eq!(answer, (Status::Ok, "the shelf of globex".to_owned()));
    let answer = app.text("acme", "/open/shelf").await;
    assert_eq!(answer.0, Status::InternalServerError);
    let answer = app.text("acme", "/exhausted").await;
    assert_eq!(answer.0, Status::ServiceUnavailable);
}
