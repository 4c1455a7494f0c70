//! Unknown, suspended and forbidden look the same, byte for byte.

use axum::Router;
use axum::routing::{get, post};
use http::{HeaderMap, Method, StatusCode, Version};
use http_body_util::BodyExt;
use tenancy_tower::TenancyLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::Server;
use crate::support::{app, request, send, tenancy, whoami};

/// `private` exists and isn't the caller's; `nobody` doesn't exist; `sleepy` is suspended and the
/// caller's own.
const REFUSED: [&str; 3] = ["private", "nobody", "sleepy"];

fn routes() -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .route("/write", post(async || "written"))
}

async fn look(
    app: &Router,
    method: &Method,
    tenant: &str,
    path: &str,
) -> (StatusCode, Version, HeaderMap, Vec<u8>) {
    let mut asked = request(tenant, path);
    *asked.method_mut() = method.clone();
    let (head, body) = send(app, asked).await.into_parts();
    let body = body.collect().await.unwrap();
    assert!(body.trailers().is_none());
    (
        head.status,
        head.version,
        head.headers,
        body.to_bytes().to_vec(),
    )
}

async fn assert_alike(app: &Router) {
    for method in [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        for path in ["/whoami", "/write", "/no/such/route"] {
            let first = look(app, &method, REFUSED[0], path).await;
            for tenant in &REFUSED[1..] {
                assert_eq!(
                    look(app, &method, tenant, path).await,
                    first,
                    "{method} {path} {tenant}"
                );
            }
        }
    }
}

#[tokio::test]
async fn through_a_router() {
    let app = app(routes(), TenancyLayer::new(tenancy().0));
    assert_alike(&app).await;
    let look = look(&app, &Method::GET, "nobody", "/whoami").await;
    assert_eq!(look.0, StatusCode::NOT_FOUND);
    assert_eq!(look.3, b"not found\n");
}

#[tokio::test]
async fn through_a_mapper_that_tells_all_it_knows() {
    let layer = TenancyLayer::new(tenancy().0).on_refusal(|refused, head| {
        let mut response = refused.response();
        let accept = head
            .headers
            .get("accept")
            .map(|accept| accept.to_str().unwrap().to_owned());
        *response.body_mut() = format!(r#"{{"refused":"{refused:?}","accept":{accept:?}}}"#).into();
        *response.status_mut() = StatusCode::FORBIDDEN;
        response
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        response
    });
    let app = app(routes(), layer);
    assert_alike(&app).await;
    let look = look(&app, &Method::GET, "sleepy", "/whoami").await;
    assert_eq!(look.0, StatusCode::FORBIDDEN);
    assert_eq!(look.2["content-type"], "application/json");
    assert_eq!(look.3, br#"{"refused":"NotFound","accept":None}"#);
}

#[tokio::test]
async fn on_the_wire() {
    let server = Server::start(app(routes(), TenancyLayer::new(tenancy().0))).await;
    let mut answers = Vec::new();
    for tenant in REFUSED {
        let mut socket = server.connect().await;
        let ask = format!(
            "GET /whoami HTTP/1.1\r\nhost: x\r\nx-tenant-id: {tenant}\r\nauthorization: acme,sleepy\r\nconnection: close\r\n\r\n"
        );
        socket.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let dateless = answer
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with("date:"));
        answers.push(dateless.collect::<String>());
    }
    assert!(answers[0].starts_with("HTTP/1.1 404 "), "{}", answers[0]);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}
