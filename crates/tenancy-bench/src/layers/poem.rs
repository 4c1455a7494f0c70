use poem::endpoint::{BoxEndpoint, EndpointExt as _};
use poem::{Endpoint as _, Request, Response, Route, get, handler};
use tenancy_poem::{Routes, TenancyLayer, TenantScope};

use super::{OK, ensure_ok, tenancy};
use crate::Failed;

pub(super) struct Served(BoxEndpoint<'static, Response>);

#[handler]
fn bare() -> &'static str {
    OK
}

#[handler]
fn layered(_: TenantScope) -> &'static str {
    OK
}

/// Bare, and layered.
pub(super) fn services() -> (Served, Served) {
    let without = Route::new().at("/", get(bare));
    let with = Routes::new(TenancyLayer::new(tenancy())).tenant("/", get(layered));
    let served = |route: Route| Served(route.map_to_response().boxed());
    (served(without), served(with.finish()))
}

impl Served {
    pub(super) async fn ask(&self, host: &str) -> Result<(), Failed> {
        let request = Request::builder().header("host", host).finish();
        let answer = self.0.get_response(request).await;
        let status = answer.status().as_u16();
        answer.into_body().into_bytes().await?;
        ensure_ok(status)
    }
}
