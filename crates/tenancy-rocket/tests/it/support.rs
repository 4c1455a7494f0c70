//! The application that most tests run.

use rocket::fairing::{AdHoc, Fairing};
use rocket::http::{Header, Method, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::{Build, Config, Rocket};
use tenancy_http_suite::stage::{Ends, Shelves, User, tenancy};
use tenancy_rocket::{Identify as _, Principal, Routes, TenancyLayer};

/// The application's authentication: every caller is a member.
pub(crate) fn authentication() -> impl Fairing {
    AdHoc::on_request("authentication", |request, _| {
        Box::pin(async move { request.identify(Principal::new(User::member())) })
    })
}

/// A rocket without routes.
pub(crate) fn rocket() -> Rocket<Build> {
    let config = Config {
        log_level: rocket::config::LogLevel::Off,
        port: 0,
        ..Config::debug_default()
    };
    rocket::custom(config)
        .manage(Shelves)
        .attach(authentication())
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
