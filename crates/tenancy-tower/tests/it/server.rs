//! A real server on a real socket.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use hyper_util::rt::TokioIo;
use tenancy_core::{Ending, Error};
use tenancy_tower::TenantScope;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::{scoped_app, whoami_routes};

pub(crate) struct Server {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, serving }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One keep-alive connection.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn of(server: &Server) -> Self {
        Self(BufReader::new(server.connect().await))
    }

    async fn ask(&mut self, tenant: &str, path: &str) {
        let ask = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nx-tenant-id: {tenant}\r\nauthorization: acme,globex\r\n\r\n"
        );
        self.0.get_mut().write_all(ask.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        // So that a server that never answers is a failure, and not a test that hangs.
        let read = timeout(Duration::from_mins(1), self.0.read_line(&mut line));
        read.await.expect("an answer").unwrap();
        line.trim_end().to_owned()
    }

    /// The status line, with the head read to its end, and the content's length if it was given.
    async fn head(&mut self) -> (String, usize) {
        let status = self.line().await;
        let mut length = 0;
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return (status, length);
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
    }

    async fn get(&mut self, tenant: &str, path: &str) -> (String, String) {
        self.ask(tenant, path).await;
        let (status, length) = self.head().await;
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_alive_connections_change_tenants_a_thousand_times() {
    let (app, ends) = scoped_app(whoami_routes());
    let server = Server::start(app).await;
    let (mut first, mut second) = (Client::of(&server).await, Client::of(&server).await);
    for round in 0..500 {
        let (one, other) = if round % 2 == 0 {
            ("acme", "globex")
        } else {
            ("globex", "acme")
        };
        // Both are under way at once, and each connection had the other tenant before.
        let (a, b) = tokio::join!(first.get(one, "/whoami"), second.get(other, "/whoami"));
        assert_eq!(a, ("HTTP/1.1 200 OK".to_owned(), one.to_owned()));
        assert_eq!(b, ("HTTP/1.1 200 OK".to_owned(), other.to_owned()));
        if round % 50 == 0 {
            // A refusal in between leaves the connection in nobody's scope.
            assert_eq!(
                first.get("private", "/whoami").await.0,
                "HTTP/1.1 404 Not Found"
            );
        }
    }
    let ended = ends.wait_for(1_000).await;
    assert_eq!(ended.len(), 1_000);
    assert!(ended.iter().all(|(_, ending)| *ending == Ending::Completed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_in_mid_body_closes_the_scope() {
    async fn endless(_: TenantScope) -> Body {
        Body::from_stream(stream::unfold((), async |()| {
            tokio::task::yield_now().await;
            let open = tenancy_core::TenantScope::current()
                .unwrap()
                .ensure_usable();
            Some((open.map(|()| Bytes::from_static(b"more\n")), ()))
        }))
    }
    let (app, ends) = scoped_app(Router::new().route("/endless", get(endless)));
    let server = Server::start(app).await;
    let mut client = Client::of(&server).await;
    client.ask("acme", "/endless").await;
    assert_eq!(client.head().await.0, "HTTP/1.1 200 OK");
    client.line().await;
    assert!(
        ends.all().is_empty(),
        "the scope is open while the body is sent"
    );
    drop(client);
    assert_eq!(
        ends.wait_for(1).await,
        [("acme".to_owned(), Ending::Dropped)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_before_the_answer_closes_the_scope() {
    let (entered, mut started) = tokio::sync::mpsc::channel::<()>(1);
    let handler = async move |_: TenantScope| {
        entered.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let (app, ends) = scoped_app(Router::new().route("/never", get(handler)));
    let server = Server::start(app).await;
    let mut client = Client::of(&server).await;
    client.ask("acme", "/never").await;
    started.recv().await.unwrap();
    assert!(ends.all().is_empty());
    drop(client);
    assert_eq!(
        ends.wait_for(1).await,
        [("acme".to_owned(), Ending::Dropped)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_closes_the_scope_and_the_server_goes_on() {
    async fn boom(_: TenantScope) {
        panic!("boom");
    }
    let (app, ends) = scoped_app(whoami_routes().route("/boom", get(boom)));
    let server = Server::start(app).await;
    let mut client = Client::of(&server).await;
    client.ask("acme", "/boom").await;
    assert_eq!(client.line().await, "", "the connection dies with its task");
    assert_eq!(
        ends.wait_for(1).await,
        [("acme".to_owned(), Ending::Panicked)]
    );
    assert_eq!(
        Client::of(&server).await.get("globex", "/whoami").await.1,
        "globex"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgraded_connection_has_no_scope() {
    async fn upgrade(scope: TenantScope, request: axum::extract::Request) -> Response {
        let upgraded = hyper::upgrade::on(request);
        tokio::spawn(async move {
            let mut socket = TokioIo::new(upgraded.await.unwrap());
            let ended = matches!(scope.ensure_usable(), Err(Error::ScopeEnded));
            let bare = tenancy_core::TenantScope::current().is_err();
            let found = format!("ended {ended}, bare {bare}\n");
            socket.write_all(found.as_bytes()).await.unwrap();
        });
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("connection", "upgrade")
            .header("upgrade", "echo")
            .body(Body::empty())
            .unwrap()
    }
    let (app, ends) = scoped_app(Router::new().route("/upgrade", get(upgrade)));
    let server = Server::start(app).await;
    let mut client = Client::of(&server).await;
    let ask = "GET /upgrade HTTP/1.1\r\nhost: x\r\nx-tenant-id: acme\r\nauthorization: acme\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    client.0.get_mut().write_all(ask.as_bytes()).await.unwrap();
    assert_eq!(client.head().await.0, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(client.line().await, "ended true, bare true");
    assert_eq!(
        ends.wait_for(1).await,
        [("acme".to_owned(), Ending::Completed)]
    );
}
