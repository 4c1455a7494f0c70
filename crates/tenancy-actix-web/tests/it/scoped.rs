//! A connection as a handler's argument.

use actix_web::web::{Data, resource};
use tenancy_actix_web::{Routes, Scoped, TenancyLayer};
use tenancy_http_suite::stage::{Exhausted, Shelves, tenancy};

use crate::support::{INTERNAL, TestApp};

async fn shelf(Scoped(shelf): Scoped<Shelves>) -> String {
    shelf
}

async fn exhausted(_: Scoped<Exhausted>) -> &'static str {
    "never"
}

#[actix_web::test]
async fn it_is_bound_to_the_requests_scope() {
    let (app, _) = TestApp::of(|routes| {
        routes
            .tenant(resource("/shelf").get(shelf))
            .open(resource("/open").get(shelf))
            .tenant(resource("/absent").get(exhausted));
    })
    .await;
    let answer = app.text("globex", "/shelf").await;
    assert_eq!(answer, (200, "the shelf of globex".to_owned()));
    assert_eq!(app.text("acme", "/open").await.0, INTERNAL);
    assert_eq!(app.text("acme", "/absent").await.0, INTERNAL);
}

#[actix_web::test]
async fn a_database_that_gives_none_is_try_later() {
    let (tenancy, _) = tenancy();
    let app = TestApp::configured(|config| {
        config.app_data(Data::new(Exhausted));
        Routes::of(config, TenancyLayer::new(tenancy)).tenant(resource("/").get(exhausted));
    })
    .await;
    let answer = app.text("acme", "/").await;
    assert_eq!(answer, (503, "temporarily unavailable\n".to_owned()));
}
