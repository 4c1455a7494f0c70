use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use http_body_util::BodyExt as _;
use tenancy_tower::{Routes, TenancyLayer, TenantScope};
use tower::{Service as _, ServiceExt};

use super::{OK, ensure_ok, tenancy};
use crate::Failed;

pub(super) struct Served(Router);

/// Bare, and layered.
pub(super) fn services() -> (Served, Served) {
    let bare = Router::new().route("/", get(async || OK));
    let layered =
        Routes::new(TenancyLayer::new(tenancy())).tenant("/", get(async |_: TenantScope| OK));
    (Served(bare), Served(layered.finish()))
}

impl Served {
    pub(super) async fn ask(&mut self, host: &str) -> Result<(), Failed> {
        let request = Request::get("/").header("host", host).body(Body::empty())?;
        let answer = ServiceExt::<Request<Body>>::ready(&mut self.0)
            .await?
            .call(request)
            .await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        ensure_ok(status)
    }
}
