//! A connection as a handler's argument.

use poem::http::StatusCode;
use poem::{EndpointExt as _, get, handler};
use tenancy_http_suite::stage::{Exhausted, Shelves};
use tenancy_poem::Scoped;

use crate::support::TestApp;

#[handler]
fn shelf(Scoped(shelf): Scoped<Shelves>) -> String {
    shelf
}

#[handler]
fn exhausted(_: Scoped<Exhausted>) -> &'static str {
    "never"
}

#[tokio::test]
async fn it_is_bound_to_the_requests_scope() {
    let (app, _) = TestApp::of(|routes| {
        routes
            .tenant("/shelf", get(shelf))
            .open("/open", get(shelf))
            .tenant("/absent", get(exhausted))
            .tenant("/exhausted", get(exhausted).data(Exhausted))
    });
    let answer = app.text("globex", "/shelf").await;
    assert_eq!(answer, (StatusCode::OK, "the shelf of globex".to_owned()));
    for path in ["/open", "/absent"] {
        let answer = app.text("acme", path).await;
        assert_eq!(answer.0, StatusCode::INTERNAL_SERVER_ERROR);
    }
    let answer = app.text("acme", "/exhausted").await;
    let text = "temporarily unavailable\n".to_owned();
    assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, text));
}
