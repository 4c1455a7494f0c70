//! The application that most tests run: services whose one method is a closure, over strings.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream};
use http::request::Builder;
use http_body_util::{BodyExt as _, Full};
use tenancy_http_suite::stage::{Ends, User, tenancy};
use tenancy_tonic::{Principal, Routes, TenancyLayer};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, ServiceExt as _, service_fn};

pub(crate) type Answered<T> = Result<Response<T>, Status>;

/// A service of this number.
#[derive(Clone)]
pub(crate) struct Served<const N: usize = 0>(Arc<Answering>);

type Answering =
    dyn Fn(http::Request<Body>) -> BoxFuture<'static, http::Response<Body>> + Send + Sync;

impl<const N: usize> NamedService for Served<N> {
    const NAME: &'static str = ["test.Zero", "test.One", "test.Two", "test.Three"][N];
}

impl<const N: usize> Service<http::Request<Body>> for Served<N> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answered = (self.0)(request);
        Box::pin(async { Ok(answered.await) })
    }
}

fn grpc() -> Grpc<ProstCodec<String, String>> {
    Grpc::new(ProstCodec::default())
}

/// Makes a service of a handler, as tonic's own code does.
macro_rules! kinds {
    ($($kind:ident($message:ty) -> $answer:ty;)+) => {$(
        pub(crate) fn $kind<const N: usize, F, O>(handler: F) -> Served<N>
        where
            F: Fn(Request<$message>) -> O + Clone + Send + Sync + 'static,
            O: Future<Output = Answered<$answer>> + Send + 'static,
        {
            Served(Arc::new(move |request| {
                let handler = handler.clone();
                Box::pin(async move { grpc().$kind(service_fn(handler), request).await })
            }))
        }
    )+};
}

kinds! {
    unary(String) -> String;
    server_streaming(String) -> Texts;
    client_streaming(Streaming<String>) -> String;
    streaming(Streaming<String>) -> Texts;
}

/// What a streaming handler answers with.
pub(crate) type Texts = stream::BoxStream<'static, Result<String, Status>>;

#[expect(clippy::unnecessary_wraps, reason = "what a handler answers with")]
pub(crate) fn texts(
    texts: impl Stream<Item = Result<String, Status>> + Send + 'static,
) -> Answered<Texts> {
    Ok(Response::new(Box::pin(texts)))
}

/// The application's authentication: every caller is a member.
#[expect(clippy::unnecessary_wraps, reason = "an interceptor may refuse")]
pub(crate) fn authenticate(mut request: Request<()>) -> Result<Request<()>, Status> {
    let user = Principal::new(User::member());
    request.extensions_mut().insert(user);
    Ok(request)
}

type Authenticate = fn(Request<()>) -> Result<Request<()>, Status>;

/// Services within authentication.
#[derive(Clone)]
pub(crate) struct TestApp(InterceptedService<tonic::service::Routes, Authenticate>);

/// Whatever way a call's answer comes.
pub(crate) type Raw = http::Response<Body>;

impl TestApp {
    /// These services, and who hears how their scopes end.
    pub(crate) fn of(add: impl FnOnce(Routes) -> Routes) -> (Self, Ends) {
        let (tenancy, ends) = tenancy();
        let routes = add(Routes::new(TenancyLayer::new(tenancy)));
        (Self::routed(routes.finish()), ends)
    }

    /// One service of a tenant's.
    pub(crate) fn serving(service: Served) -> (Self, Ends) {
        Self::of(|routes| routes.tenant(service))
    }

    pub(crate) fn routed(routes: tonic::service::Routes) -> Self {
        Self(InterceptedService::new(routes, authenticate))
    }

    /// Behind no authentication but what the routes' own layer does.
    pub(crate) fn unauthenticated(layer: TenancyLayer, service: Served) -> Self {
        let routes = Routes::new(layer).tenant(service).finish();
        Self(InterceptedService::new(routes, Ok))
    }

    /// Sends these messages to a service, as the tenant.
    pub(crate) async fn call(&self, tenant: &str, number: usize, messages: &[&str]) -> Raw {
        self.send(asking(number).header("x-tenant-id", tenant), messages)
            .await
    }

    pub(crate) async fn send(&self, head: Builder, messages: &[&str]) -> Raw {
        let sent: Vec<u8> = messages.iter().flat_map(|text| frame(text)).collect();
        self.send_body(head, Body::new(Full::new(Bytes::from(sent))))
            .await
    }

    pub(crate) async fn send_body(&self, head: Builder, body: Body) -> Raw {
        let app = self.0.clone();
        let answer = app.oneshot(head.body(body).unwrap()).await.unwrap();
        answer.map(Body::new)
    }

    /// The messages and the status that a tenant's call is answered with.
    pub(crate) async fn texts(&self, tenant: &str, messages: &[&str]) -> (Vec<String>, Status) {
        read(self.call(tenant, 0, messages).await).await
    }
}

/// The head of a call to the service of this number.
pub(crate) fn asking(number: usize) -> Builder {
    let name = ["Zero", "One", "Two", "Three"][number];
    http::Request::post(format!("/test.{name}/Call")).header("content-type", "application/grpc")
}

/// A message as gRPC sends it.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let message = if text.is_empty() {
        vec![]
    } else {
        [&[0x0a, length], text.as_bytes()].concat()
    };
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

/// Reads an answer to its end.
pub(crate) async fn read(answer: Raw) -> (Vec<String>, Status) {
    let (parts, mut body) = answer.into_parts();
    let mut status = Status::from_header_map(&parts.headers);
    let mut sent = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.unwrap().into_data() {
            Ok(data) => sent.extend_from_slice(&data),
            Err(frame) => status = Status::from_header_map(&frame.into_trailers().unwrap()),
        }
    }
    (messages(&sent), status.unwrap())
}

/// The messages in these bytes.
pub(crate) fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while let [0, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (message, rest) = rest.split_at(length);
        let text = message.get(2..).unwrap_or_default();
        messages.push(String::from_utf8(text.to_vec()).unwrap());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a message");
    messages
}
