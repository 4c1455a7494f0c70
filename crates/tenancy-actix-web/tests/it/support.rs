//! The application that most tests run.

use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, Error, HttpMessage as _};
use futures_util::future::LocalBoxFuture;
use tenancy_actix_web::{Principal, Routes, TenancyLayer};
use tenancy_http_suite::stage::{Ends, Headers, Shelves, User, tenancy};

/// The application's authentication: every caller is a member.
pub(crate) async fn authenticate<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let user = Principal::new(User::member());
    request.extensions_mut().insert(user);
    next.call(request).await
}

type Served = LocalBoxFuture<'static, Result<ServiceResponse<BoxBody>, Error>>;

pub(crate) struct TestApp(Box<dyn Fn(TestRequest) -> Served>);

impl TestApp {
    /// These routes, within authentication, and who hears how their scopes end.
    pub(crate) async fn of(add: impl FnOnce(Routes<'_>)) -> (Self, Ends) {
        let (tenancy, ends) = tenancy();
        let layer = TenancyLayer::new(tenancy);
        let app = Self::configured(|config| add(Routes::of(config, layer))).await;
        (app, ends)
    }

    pub(crate) async fn configured(configure: impl FnOnce(&mut ServiceConfig)) -> Self {
        let app = App::new()
            .app_data(Data::new(Shelves))
            .configure(configure)
            .wrap(from_fn(authenticate));
        let service = Rc::new(init_service(app).await);
        Self(Box::new(move |request| {
            let service = Rc::clone(&service);
            Box::pin(async move {
                let response = service.call(request.to_request()).await?;
                Ok(response.map_into_boxed_body())
            })
        }))
    }

    /// Not polled yet.
    pub(crate) fn send(&self, method: Method, tenant: &str, path: &str) -> Served {
        let request = TestRequest::with_uri(path)
            .method(method)
            .insert_header(("x-tenant-id", tenant));
        (self.0)(request)
    }

    pub(crate) async fn get(&self, tenant: &str, path: &str) -> ServiceResponse<BoxBody> {
        self.send(Method::GET, tenant, path).await.unwrap()
    }

    pub(crate) async fn text(&self, tenant: &str, path: &str) -> (u16, String) {
        text(self.get(tenant, path).await).await
    }
}

pub(crate) async fn text(response: ServiceResponse<BoxBody>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) const INTERNAL: u16 = 500;

/// What an application answers to these headers. `request` is `TestRequest::to_request`: Actix Web has
/// no name for what that makes.
pub(crate) async fn answered<S, R, B>(
    app: &S,
    headers: Headers,
    request: impl FnOnce(TestRequest) -> R,
) -> (u16, String)
where
    S: Service<R, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let asked = headers
        .into_iter()
        .fold(TestRequest::get(), |asked, header| {
            asked.append_header(header)
        });
    let response = app.call(request(asked)).await.unwrap();
    text(response.map_into_boxed_body()).await
}
