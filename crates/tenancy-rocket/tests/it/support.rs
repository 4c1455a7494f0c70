//! The application that most tests run.

use rocket::fairing::{AdHoc, Fairing};
use rocket::http::{Header, Method, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::{Build, Config, Rocket};
use tenancy_http_suite::stage::{Ends, Headers, Shelves, User, tenancy};
use tenancy_rocket::{Identify as _, Principal, Routes, TenancyLayer};

/// The application's authentication: every caller is a member.
pub(crate) fn authentication() -> impl Fairing {
    AdHoc::on_request("authentication", |request, _| {
        Box::pin(async move { request.identify(Principal::new(User::member())) })
    })
}

/// A rocket without routes.
pub(crate) fn rocket() -> Rocket<Build> {
    unauthenticated().attach(authentication())
}

/// A rocket without routes, on which nobody says who asks.
pub(crate) fn unauthenticated() -> Rocket<Build> {
    let config = Config {
        log_level: rocket::config::LogLevel::Off,
        port: 0,
        ..Config::debug_default()
    };
    rocket::custom(config).manage(Shelves)
}

pub(crate) struct TestApp(Client);

impl TestApp {
    /// These routes, within authentication, and who hears how their scopes end.
    pub(crate) async fn of(add: impl FnOnce(Routes) -> Routes) -> (Self, Ends) {
        let (tenancy, ends) = tenancy();
        let routes = add(Routes::new(TenancyLayer::new(tenancy)));
        (Self::launched(rocket().attach(routes)).await, ends)
    }

    pub(crate) async fn launched(rocket: Rocket<Build>) -> Self {
        Self(Client::untracked(rocket).await.unwrap())
    }

    pub(crate) async fn send<'c>(
        &'c self,
        method: Method,
        tenant: &'c str,
        path: &'c str,
    ) -> LocalResponse<'c> {
        let request = self.0.req(method, path);
        let named = request.header(Header::new("x-tenant-id", tenant.to_owned()));
        named.dispatch().await
    }

    pub(crate) async fn get<'c>(&'c self, tenant: &'c str, path: &'c str) -> LocalResponse<'c> {
        self.send(Method::Get, tenant, path).await
    }

    pub(crate) async fn text(&self, tenant: &str, path: &str) -> (Status, String) {
        let response = self.get(tenant, path).await;
        let status = response.status();
        (status, response.into_string().await.unwrap_or_default())
    }
}

/// What a rocket answers to these headers.
pub(crate) async fn answered(client: &Client, headers: Headers) -> (u16, String) {
    let request = headers
        .into_iter()
        .fold(client.get("/"), |request, (name, value)| {
            request.header(Header::new(name, value))
        });
    let response = request.dispatch().await;
    let status = response.status().code;
    (status, response.into_string().await.unwrap_or_default())
}
