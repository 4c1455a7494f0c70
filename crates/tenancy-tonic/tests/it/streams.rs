//! What is read of a request's stream, is read in the scope of its call.

use futures_util::stream::{self, StreamExt as _};
use http_body::Frame;
use http_body_util::StreamBody;
use tenancy_core::{Ending, TenantScope};
use tenancy_http_suite::stage::ambient;
use tenancy_tonic::TenancyRequest as _;
use tonic::body::Body;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::support::{
    Answered, TestApp, Texts, asking, client_streaming, frame, read, streaming, texts, unary,
};

async fn gather(request: Request<Streaming<String>>) -> Answered<String> {
    let scope = request.tenant_scope()?;
    let mut sent = request.into_inner();
    let mut gathered = Vec::new();
    while let Some(text) = sent.message().await? {
        scope.ensure_usable().unwrap();
        gathered.push(format!("{text}:{}", ambient()));
    }
    Ok(Response::new(gathered.join(" ")))
}

async fn echo(request: Request<Streaming<String>>) -> Answered<Texts> {
    request.tenant_scope()?;
    // Nothing is read before the response has begun.
    texts(request.into_inner().map(|text| {
        let scope = TenantScope::current().unwrap();
        scope.ensure_usable().unwrap();
        Ok(format!("{}:{}", text?, scope.tenant_id()))
    }))
}

#[tokio::test]
async fn a_clients_stream_is_read_in_the_scope() {
    let (app, ends) = TestApp::serving(client_streaming(gather));
    let (answer, status) = app.texts("acme", &["one", "two"]).await;
    assert_eq!(status.code(), Code::Ok);
    assert_eq!(answer, ["one:acme two:acme"]);
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn a_stream_in_both_directions_is_read_in_the_scope() {
    let (app, ends) = TestApp::serving(streaming(echo));
    let (answer, status) = app.texts("acme", &["one", "two"]).await;
    assert_eq!(status.code(), Code::Ok);
    assert_eq!(answer, ["one:acme", "two:acme"]);
    assert!(ends.only(Ending::Completed));
}

/// One message, and then what the client's end does to the stream.
fn sent(then: Result<Frame<bytes::Bytes>, Status>) -> Body {
    let first = Ok(Frame::data(bytes::Bytes::from(frame("one"))));
    Body::new(StreamBody::new(stream::iter([first, then])))
}

#[tokio::test]
async fn a_client_that_breaks_off_ends_it() {
    let (app, ends) = TestApp::of(|routes| {
        routes
            .tenant(client_streaming::<0, _, _>(gather))
            .tenant(streaming::<1, _, _>(echo))
    });
    for number in [0, 1] {
        let broken = sent(Err(Status::unknown("broken off")));
        let head = asking(number).header("x-tenant-id", "acme");
        let (_, status) = read(app.send_body(head, broken).await).await;
        assert_ne!(status.code(), Code::Ok);
        assert!(ends.only(Ending::Failed), "{number}");
    }
}

/// tonic adds a request's trailers to its metadata, after the scope was opened.
#[tokio::test]
async fn trailers_that_name_another_tenant_change_nothing() {
    let named = async |request: Request<String>| {
        let scope = request.tenant_scope()?;
        let metadata = request.metadata().get_all("x-tenant-id");
        assert!(metadata.iter().any(|value| value == "globex"), "the attack");
        assert!(scope.is_same_scope(&TenantScope::current().unwrap()));
        Ok(Response::new(scope.tenant_id().to_string()))
    };
    let (app, ends) = TestApp::serving(unary(named));
    let trailers = [("x-tenant-id", "globex")].map(|(name, value)| {
        let name = http::HeaderName::from_static(name);
        (name, http::HeaderValue::from_static(value))
    });
    let trailers = sent(Ok(Frame::trailers(trailers.into_iter().collect())));
    let head = asking(0).header("x-tenant-id", "acme");
    let (answer, _) = read(app.send_body(head, trailers).await).await;
    assert_eq!(answer, ["acme"]);
    assert!(ends.only(Ending::Completed));
}
