use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tenancy_tonic::{Routes, TenancyLayer};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt};

use super::{ensure_ok, tenancy};
use crate::Failed;

pub(super) struct Served(tonic::service::Routes);

/// A service that answers at once: what its messages cost is the same on both sides.
#[derive(Clone)]
struct Notes;

impl NamedService for Notes {
    const NAME: &'static str = "bench.Notes";
}

impl Service<Request<Body>> for Notes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut answer = Response::new(Body::empty());
        let ok = HeaderValue::from_static("0");
        answer.headers_mut().insert("grpc-status", ok);
        ready(Ok(answer))
    }
}

/// Bare, and layered.
pub(super) fn services() -> (Served, Served) {
    let bare = tonic::service::Routes::new(Notes);
    let layered = Routes::new(TenancyLayer::new(tenancy())).tenant(Notes);
    (Served(bare), Served(layered.finish()))
}

impl Served {
    pub(super) async fn ask(&mut self, host: &str) -> Result<(), Failed> {
        let request = Request::post("/bench.Notes/List").header("host", host);
        let request = request.body(Body::empty())?;
        let service = ServiceExt::<Request<Body>>::ready(&mut self.0).await?;
        let answer = service.call(request).await?;
        let status = answer.status().as_u16();
        let served = answer
            .headers()
            .get("grpc-status")
            .is_some_and(|status| status == "0");
        answer.into_body().collect().await?;
        ensure_ok(if served { status } else { 500 })
    }
}
