//! A caller, and the one HTTP/2 connection that it asks over.

use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tenancy_http_suite::client::{Caller, host_of};
use tenancy_http_suite::program::Program;
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::{Request, Response, Status, Streaming};

use crate::proto::administration_client::AdministrationClient;
use crate::proto::diagnostics_client::DiagnosticsClient;
use crate::proto::faults_client::FaultsClient;
use crate::proto::intercepted_client::InterceptedClient;
use crate::proto::notes_client::NotesClient;
use crate::proto::outside_client::OutsideClient;

/// How long an answer may take before it is a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// One connection. Clones share it, and calls go over it side by side.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Body>,
    socket: Arc<std::net::TcpStream>,
}

/// A call as it goes over the wire.
pub(crate) type Answering =
    Pin<Box<dyn Future<Output = hyper::Result<http::Response<Incoming>>> + Send>>;

impl Service<http::Request<Body>> for Connection {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.sender.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Answering {
        Box::pin(self.sender.send_request(request))
    }
}

/// Makes a client of a service, which asks for the host.
macro_rules! clients {
    ($($name:ident: $client:ident,)+) => {$(
        pub(crate) fn $name(&self, tenant: &str) -> $client<Self> {
            $client::with_origin(self.clone(), origin(&host_of(tenant)))
        }
    )+};
}

impl Connection {
    pub(crate) async fn open(program: &Program) -> Self {
        let stream = TcpStream::connect(program.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = stream.into_std().unwrap();
        let socket = Arc::new(stream.try_clone().unwrap());
        let stream = TcpStream::from_std(stream).unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { sender, socket }
    }

    /// Closes the socket, whatever is under way.
    pub(crate) fn break_off(&self) {
        self.socket.shutdown(Shutdown::Both).unwrap();
    }

    clients! {
        notes: NotesClient,
        faults: FaultsClient,
        intercepted: InterceptedClient,
    }

    /// Names no tenant: its metadata may.
    pub(crate) fn nowhere(&self) -> NotesClient<Self> {
        self.at("localhost")
    }

    pub(crate) fn at(&self, host: &str) -> NotesClient<Self> {
        NotesClient::with_origin(self.clone(), origin(host))
    }

    pub(crate) fn administration(&self) -> AdministrationClient<Self> {
        AdministrationClient::with_origin(self.clone(), origin("localhost"))
    }

    pub(crate) fn diagnostics(&self) -> DiagnosticsClient<Self> {
        DiagnosticsClient::with_origin(self.clone(), origin("localhost"))
    }

    pub(crate) fn outside(&self) -> OutsideClient<Self> {
        OutsideClient::with_origin(self.clone(), origin("localhost"))
    }

    /// Who the program thinks that asks, or why it does not say.
    pub(crate) async fn whoami(&self, caller: Caller, tenant: &str) -> Result<String, Status> {
        let request = by(caller, crate::proto::Empty {});
        let answer = answered(self.notes(tenant).who_am_i(request)).await?;
        Ok(answer.text)
    }

    /// What is ambient where nothing should be.
    pub(crate) async fn ambient(&self) -> String {
        let mut outside = self.outside();
        let answer = answered(outside.ambient(crate::proto::Empty {})).await;
        answer.unwrap().text
    }

    /// Sends what a client of tonic's would not, and reads everything that comes back.
    pub(crate) async fn raw(&self, request: http::Request<Body>) -> Raw {
        let mut sender = self.sender.clone();
        let asked = async {
            sender.ready().await.unwrap();
            let answer = sender.send_request(request).await.unwrap();
            let (mut parts, body) = answer.into_parts();
            let body = body.collect().await.unwrap();
            parts.headers.remove("date");
            Raw {
                status: parts.status,
                headers: parts.headers,
                trailers: body.trailers().cloned(),
                data: body.to_bytes(),
            }
        };
        in_time(asked).await
    }
}

/// All that came back, but for the time.
#[derive(Debug, PartialEq)]
pub(crate) struct Raw {
    pub(crate) status: http::StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

fn origin(host: &str) -> Uri {
    format!("http://{host}").parse().unwrap()
}

/// The head of a call, as it goes over the wire.
pub(crate) fn head(caller: Caller, host: &str, path: &str) -> http::request::Builder {
    let request = http::Request::post(format!("http://{host}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    match caller.authorization() {
        Some(authorization) => request.header("authorization", authorization),
        None => request,
    }
}

/// This message, with the caller's token.
pub(crate) fn by<T>(caller: Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(authorization) = caller.authorization() {
        let token = authorization.parse().unwrap();
        request.metadata_mut().insert("authorization", token);
    }
    request
}

/// The answer's message, which must come in time.
pub(crate) async fn answered<T>(
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    in_time(answer).await.map(Response::into_inner)
}

/// All messages of a stream, and how it has ended.
pub(crate) async fn all<T>(mut stream: Streaming<T>) -> (Vec<T>, Result<(), Status>) {
    let mut messages = Vec::new();
    while let Some(message) = in_time(stream.next()).await {
        match message {
            Ok(message) => messages.push(message),
            Err(status) => return (messages, Err(status)),
        }
    }
    (messages, Ok(()))
}

pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("an answer in time")
}
