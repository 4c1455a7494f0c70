use rocket::config::LogLevel;
use rocket::http::Header;
use rocket::local::asynchronous::Client;
use rocket::{Build, Config, Rocket, get, routes};
use tenancy_rocket::{Routes, TenancyLayer, TenantScope};

use super::{OK, ensure_ok, tenancy};
use crate::Failed;

pub(super) struct Served(Client);

#[get("/")]
fn bare() -> &'static str {
    OK
}

#[get("/")]
fn layered(_scope: TenantScope) -> &'static str {
    OK
}

/// Bare, and layered.
pub(super) async fn services() -> Result<(Served, Served), Failed> {
    let config = Config {
        log_level: LogLevel::Off,
        ..Config::release_default()
    };
    let without = rocket::custom(&config).mount("/", routes![bare]);
    let with = Routes::new(TenancyLayer::new(tenancy())).tenant("/", routes![layered]);
    let with = rocket::custom(&config).attach(with);
    Ok((
        Served::launched(without).await?,
        Served::launched(with).await?,
    ))
}

impl Served {
    async fn launched(rocket: Rocket<Build>) -> Result<Self, Failed> {
        let launched = Client::untracked(rocket).await;
        Ok(Self(launched.map_err(|error| error.to_string())?))
    }

    pub(super) async fn ask(&self, host: &str) -> Result<(), Failed> {
        let request = self.0.get("/").header(Header::new("host", host.to_owned()));
        let answer = request.dispatch().await;
        let status = answer.status().code;
        answer.into_bytes().await;
        ensure_ok(status)
    }
}
