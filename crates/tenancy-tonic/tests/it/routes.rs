//! Services that say what they give access to.

use futures_util::stream::{self, StreamExt as _};
use tenancy_core::RequestView;
use tenancy_http_suite::stage::{User, ambient};
use tenancy_tonic::{Central, TenancyRequest as _};
use tonic::{Code, Request, Response};

use crate::support::{Answered, TestApp, Texts, asking, read, server_streaming, texts, unary};

fn central(admits: bool) -> Central {
    Central::because("a test", move |request: &dyn RequestView| {
        admits && request.principal_as::<User>().is_some()
    })
}

async fn why(request: Request<String>) -> Answered<Texts> {
    let scope = request.central_scope()?;
    assert_eq!(scope.reason(), "a test");
    assert_eq!(ambient(), "central");
    texts(stream::iter(0..1).map(|_| Ok(ambient())))
}

async fn never(request: Request<String>) -> Answered<String> {
    request.tenant_scope()?;
    Ok(Response::new("never".to_owned()))
}

#[tokio::test]
async fn a_central_service_has_a_central_scope_and_its_stream_too() {
    let (app, ends) = TestApp::of(|routes| {
        routes
            .central(central(true), server_streaming::<0, _, _>(why))
            .central(central(false), server_streaming::<1, _, _>(why))
            .tenant(server_streaming::<2, _, _>(why))
            .central(central(true), unary::<3, _, _>(never))
    });
    let (answer, status) = read(app.send(asking(0), &[""]).await).await;
    assert_eq!(
        (answer, status.code()),
        (vec!["central".to_owned()], Code::Ok)
    );
    let (_, status) = read(app.send(asking(1), &[""]).await).await;
    assert_eq!(
        (status.code(), status.message()),
        (Code::NotFound, "not found")
    );
    for number in [2, 3] {
        let (answer, status) = read(app.call("acme", number, &[""]).await).await;
        assert_eq!(
            (answer.len(), status.code()),
            (0, Code::Internal),
            "{number}"
        );
    }
    let ended = ends.take().len();
    assert_eq!(
        ended, 1,
        "the tenant's service alone opened a tenant's scope"
    );
}

#[tokio::test]
async fn an_open_service_has_none() {
    let open = async |request: Request<String>| -> Answered<String> {
        let missing = request.tenant_scope().is_err() && request.central_scope().is_err();
        Ok(Response::new(format!("{} {missing}", ambient())))
    };
    let (app, ends) = TestApp::of(|routes| routes.open(unary::<0, _, _>(open)));
    assert_eq!(app.texts("acme", &[""]).await.0, ["none true"]);
    assert!(ends.take().is_empty());
}

#[tokio::test]
async fn a_service_that_is_not_there_opens_nothing() {
    let (app, ends) = TestApp::of(|routes| routes.tenant(unary::<0, _, _>(never)));
    let (_, status) = read(app.call("acme", 1, &[""]).await).await;
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(ends.take().is_empty());
}
