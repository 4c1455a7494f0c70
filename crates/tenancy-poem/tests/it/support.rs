//! The application that most tests run.

use poem::endpoint::{BoxEndpoint, EndpointExt as _};
use poem::http::uri::Scheme;
use poem::http::{Method, StatusCode};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Body, Endpoint, Request, RequestParts, Response};
use tenancy_http_suite::stage::{Ends, Headers, Shelves, User, tenancy};
use tenancy_poem::{Principal, Routes, TenancyLayer};

pub(crate) struct TestApp(BoxEndpoint<'static, Response>);

/// The application's authentication: every caller is a member.
pub(crate) async fn authenticate(mut request: Request) -> poem::Result<Request> {
    let user = Principal::new(User::member());
    request.extensions_mut().insert(user);
    Ok(request)
}

impl TestApp {
    /// These routes, within authentication, and who hears how their scopes end.
    pub(crate) fn of(add: impl FnOnce(Routes) -> Routes) -> (Self, Ends) {
        let (tenancy, ends) = tenancy();
        let routes = add(Routes::new(TenancyLayer::new(tenancy)));
        (Self::routed(routes.finish()), ends)
    }

    pub(crate) fn routed(route: impl Endpoint + 'static) -> Self {
        Self(
            route
                .data(Shelves)
                .before(authenticate)
                .map_to_response()
                .boxed(),
        )
    }

    pub(crate) async fn send(&self, method: Method, tenant: &str, path: &'static str) -> Response {
        let request = poem::http::Request::builder()
            .method(method)
            .uri(path)
            .header("x-tenant-id", tenant)
            .body(())
            .unwrap();
        // As a server makes it, which tells the URI that was sent.
        let (head, ()) = request.into_parts();
        let (local, remote) = (LocalAddr::default(), RemoteAddr::default());
        let head = RequestParts::from((head, local, remote, Scheme::HTTP));
        let request = Request::from_parts(head, Body::empty());
        self.0.get_response(request).await
    }

    pub(crate) async fn get(&self, tenant: &str, path: &'static str) -> Response {
        self.send(Method::GET, tenant, path).await
    }

    pub(crate) async fn text(&self, tenant: &str, path: &'static str) -> (StatusCode, String) {
        let response = self.get(tenant, path).await;
        let status = response.status();
        (status, response.into_body().into_string().await.unwrap())
    }
}

/// What an endpoint answers to these headers.
pub(crate) async fn answered(app: &impl Endpoint, headers: Headers) -> (u16, String) {
    let request = headers
        .into_iter()
        .fold(Request::builder(), |request, (name, value)| {
            request.header(name, value)
        });
    let response = app.get_response(request.finish()).await;
    let status = response.status().as_u16();
    (status, response.into_body().into_string().await.unwrap())
}
