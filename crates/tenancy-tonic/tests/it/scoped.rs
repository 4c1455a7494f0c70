//! A connection that is bound to the call's scope.

use tenancy_http_suite::stage::{Exhausted, Shelves};
use tenancy_tonic::TenancyRequest as _;
use tonic::{Code, Request, Response};

use crate::support::{Answered, TestApp, read, unary};

async fn shelf(request: Request<String>) -> Answered<String> {
    Ok(Response::new(request.scoped(&Shelves).await?))
}

async fn exhausted(request: Request<String>) -> Answered<String> {
    Ok(Response::new(request.scoped(&Exhausted).await?))
}

#[tokio::test]
async fn it_is_bound_to_the_calls_scope() {
    let (app, _) = TestApp::of(|routes| {
        routes
            .tenant(unary::<0, _, _>(shelf))
            .open(unary::<1, _, _>(shelf))
            .tenant(unary::<2, _, _>(exhausted))
    });
    let (answer, _) = app.texts("globex", &[""]).await;
    assert_eq!(answer, ["the shelf of globex"]);
    for (number, code, text) in [
        (1, Code::Internal, "internal error"),
        (2, Code::Unavailable, "temporarily unavailable"),
    ] {
        let (answer, status) = read(app.call("acme", number, &[""]).await).await;
        assert!(answer.is_empty());
        assert_eq!((status.code(), status.message()), (code, text));
    }
}
