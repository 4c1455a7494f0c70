//! An HTTP client that asks as a member of one tenant would.

use std::fmt;
use std::net::SocketAddr;

use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::data::TenantData;
use crate::service::{self, Note};

/// A caller: the host it asks for, and the token it shows.
#[derive(Clone)]
pub(crate) struct Client {
    server: SocketAddr,
    host: String,
    token: String,
    extra: Option<(&'static str, String)>,
}

/// What came back, and what had been asked.
pub(crate) struct Reply {
    /// The question, to be shown.
    pub(crate) asked: String,
    /// The status.
    pub(crate) status: StatusCode,
    /// The body.
    pub(crate) body: String,
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The connection failed.
    #[error("the connection to the service failed: {0}")]
    Io(#[from] std::io::Error),
    /// The exchange failed.
    #[error("the exchange with the service failed: {0}")]
    Http(#[from] hyper::Error),
    /// The request could not be written.
    #[error("the request could not be written: {0}")]
    Request(#[from] axum::http::Error),
}

impl Client {
    /// A member of `tenant`, at that tenant's own host.
    pub(crate) fn member_of(tenant: &TenantData, server: SocketAddr) -> Self {
        let host = service::host_of(&tenant.id);
        Self {
            server,
            host,
            token: tenant.token.clone(),
            extra: None,
        }
    }

    /// The same caller, who asks for another host.
    pub(crate) fn at(&self, host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            ..self.clone()
        }
    }

    /// The same caller, who shows another token.
    pub(crate) fn showing(&self, token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            ..self.clone()
        }
    }

    /// The same caller, who sends one header more.
    pub(crate) fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        Self {
            extra: Some((name, value.into())),
            ..self.clone()
        }
    }

    /// Reads `path`.
    pub(crate) async fn get(&self, path: &str) -> Result<Reply, ClientError> {
        self.send(Method::GET, path, None).await
    }

    /// Writes `body` to `path`.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Reply, ClientError> {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// Adds `body` to what is at `path`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Reply, ClientError> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Deletes what is at `path`.
    pub(crate) async fn delete(&self, path: &str) -> Result<Reply, ClientError> {
        self.send(Method::DELETE, path, None).await
    }

    /// Gives `text` to the search, whatever is in it.
    pub(crate) async fn search(&self, text: &str) -> Result<Reply, ClientError> {
        let reply = self
            .get(&format!("/search?q={}", percent_encoded(text)))
            .await?;
        Ok(Reply {
            asked: text.to_owned(),
            ..reply
        })
    }

    /// All notes of this caller.
    pub(crate) async fn notes(&self) -> Result<(Reply, Vec<Note>), ClientError> {
        let reply = self.get("/notes").await?;
        let notes = reply.json().unwrap_or_default();
        Ok((reply, notes))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, ClientError> {
        let mut asked = vec![format!("{method} {path}"), format!("Host: {}", self.host)];
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some((name, value)) = &self.extra {
            request = request.header(*name, value);
            asked.push(format!("{name}: {value}"));
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json");
            asked.push(body.to_string());
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body)))?;

        let stream = TcpStream::connect(self.server).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        connection.abort();
        Ok(Reply {
            asked: asked.join("   "),
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    /// Reads `/notes` over a bare socket: every byte that the server answers with, but for the
    /// line that holds the time.
    pub(crate) async fn every_byte(&self) -> Result<String, ClientError> {
        self.send_raw(&format!("Host: {}\r\n", self.host)).await
    }

    /// Reads `/notes` over a bare socket with these headers about the host, as no library would
    /// send them.
    pub(crate) async fn send_raw(&self, headers: &str) -> Result<String, ClientError> {
        let token = &self.token;
        let request = format!(
            "GET /notes HTTP/1.1\r\n{headers}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(self.server).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        let timeless = |line: &&str| !line.to_ascii_lowercase().starts_with("date:");
        Ok(answer.split_inclusive("\r\n").filter(timeless).collect())
    }
}

impl Reply {
    /// The body as JSON, if it is a `T`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// Whether it has this status.
    pub(crate) fn is(&self, status: StatusCode) -> bool {
        self.status == status
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, body) = (self.status.as_u16(), self.body.trim());
        if body.is_empty() {
            write!(f, "{status}")
        } else {
            write!(f, "{status} {body}")
        }
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect::<Vec<_>>()
        .concat()
}
