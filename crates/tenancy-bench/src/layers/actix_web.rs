use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, web};
use futures_util::future::LocalBoxFuture;
use tenancy_actix_web::{Routes, TenancyLayer, TenantScope};

use super::{OK, ensure_ok, tenancy};
use crate::Failed;

type Answered = LocalBoxFuture<'static, Result<ServiceResponse<BoxBody>, Error>>;

/// Its service has no name that could be written here.
pub(super) struct Served(Box<dyn Fn(TestRequest) -> Answered>);

/// Bare, and layered.
pub(super) async fn services() -> (Served, Served) {
    let bare = App::new().route("/", web::get().to(async || OK));
    let layered = App::new().configure(|config| {
        Routes::of(config, TenancyLayer::new(tenancy()))
            .tenant(web::resource("/").route(web::get().to(async |_: TenantScope| OK)));
    });
    let (bare, layered) = (init_service(bare).await, init_service(layered).await);
    (
        Served(Box::new(move |request| {
            Box::pin(bare.call(request.to_request()))
        })),
        Served(Box::new(move |request| {
            let answer = layered.call(request.to_request());
            Box::pin(async move { Ok(answer.await?.map_into_boxed_body()) })
        })),
    )
}

impl Served {
    pub(super) async fn ask(&self, host: &str) -> Result<(), Failed> {
        let request = TestRequest::get().uri("/").insert_header(("host", host));
        let answer = (self.0)(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        to_bytes(answer.into_body())
            .await
            .map_err(|error| error.to_string())?;
        ensure_ok(status)
    }
}
