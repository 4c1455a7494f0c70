//! A caller, and the connection that it asks over.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long an answer may take before it is a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whose token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A member of `acme` and of `initech`.
    Acme,
    /// A member of `globex`.
    Globex,
    /// A member of `acme`, `globex` and `hooli`.
    Everywhere,
    /// Nobody's member, who may do central work.
    Administrator,
    /// Nobody.
    Nobody,
}

impl Caller {
    /// The `Authorization` header, if there is one.
    pub fn authorization(self) -> Option<&'static str> {
        match self {
            Self::Acme => Some("Bearer acme-demo-token"),
            Self::Globex => Some("Bearer globex-demo-token"),
            Self::Everywhere => Some("Bearer everywhere-demo-token"),
            Self::Administrator => Some("Bearer administrator-demo-token"),
            Self::Nobody => None,
        }
    }
}

/// The host of one tenant.
pub fn host_of(tenant: &str) -> String {
    format!("{tenant}.notes.localhost")
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    /// The answer, if the connection lasts so long.
    pub async fn send(
        &mut self,
        request: http::request::Builder,
        body: &str,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let request = request
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let sent = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        tokio::time::timeout(PATIENCE, sent)
            .await
            .expect("an answer in time")
    }

    /// Asks as `caller` for `tenant`, and reads the whole answer.
    pub async fn ask(
        &mut self,
        method: Method,
        caller: Caller,
        tenant: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let request = request(method, caller, &host_of(tenant), path);
        let response = self.send(request, body).await.expect("an answer");
        whole(response).await.expect("a whole body")
    }

    pub async fn get(&mut self, caller: Caller, tenant: &str, path: &str) -> Answer {
        self.ask(Method::GET, caller, tenant, path, "").await
    }

    /// Asks for an open route, without naming a tenant or a caller.
    pub async fn get_open(&mut self, path: &str) -> Answer {
        let request = request(Method::GET, Caller::Nobody, "localhost", path);
        let response = self.send(request, "").await.expect("an answer");
        whole(response).await.expect("a whole body")
    }

    pub async fn add(&mut self, caller: Caller, tenant: &str, title: &str) -> Answer {
        let body = format!(r#"{{"title":"{title}"}}"#);
        self.ask(Method::POST, caller, tenant, "/notes", &body)
            .await
    }
}

/// A request's head.
pub fn request(method: Method, caller: Caller, host: &str, path: &str) -> http::request::Builder {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(authorization) = caller.authorization() {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    request
}

/// Reads the body to its end.
pub async fn whole(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    let (parts, body) = response.into_parts();
    let body = tokio::time::timeout(PATIENCE, body.collect())
        .await
        .expect("a body in time")?;
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

/// Every byte of the answer to `head` over a connection of its own, but for the line that holds the
/// time. The lines of the head are sorted: Actix Web sends them in another order each time.
pub async fn every_byte(address: SocketAddr, head: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head).await.unwrap();
    stream
        .write_all(b"connection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("an answer in time")
        .unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    let (status, headers) = head.split_once("\r\n").expect("headers");
    let timeless = |line: &&str| !line.to_ascii_lowercase().starts_with("date:");
    let mut headers: Vec<&str> = headers.split("\r\n").filter(timeless).collect();
    headers.sort_unstable();
    format!("{status}\n{}\n\n{body}", headers.join("\n"))
}
