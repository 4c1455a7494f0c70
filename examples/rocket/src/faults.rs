//! Routes that break on purpose, for the suite. A real service has none.

use example_notes::{Faults, Problem, Service};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::{Request, State, get, routes};
use tenancy::rocket::{Routes, TenantScope};

use crate::problem::Answered;
use crate::routes::{Rows, Streamed};

/// Adds them.
pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .tenant(
            "/faults",
            routes![panics, fails, guarded, wait, write, keep],
        )
        .tenant("/faults", routes![transact, answer, stream])
        .open("/faults", routes![maintenance, read_only, available])
        .open(
            "/faults",
            routes![waiting, release, kept, ambient, forgotten],
        )
}

#[get("/panic")]
#[expect(clippy::panic, reason = "this route is there to panic")]
fn panics(_scope: TenantScope) -> Status {
    panic!("on purpose")
}

#[get("/error")]
fn fails(_scope: TenantScope) -> Result<Status, Answered> {
    Err(Problem::OnPurpose.into())
}

/// Rocket's middleware on a route is a guard.
struct Failing;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Failing {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, ()> {
        Outcome::Error((Status::InternalServerError, ()))
    }
}

#[get("/middleware")]
fn guarded(_scope: TenantScope, _failing: Failing) -> &'static str {
    "never"
}

#[get("/wait")]
async fn wait(scope: TenantScope, service: &State<Service>) -> Result<String, Answered> {
    Ok(service.faults.wait(&service.notes, &scope).await?)
}

#[get("/keep")]
fn keep(scope: TenantScope, service: &State<Service>) -> &'static str {
    service.faults.keep(scope.into_inner());
    "kept\n"
}

#[get("/write")]
async fn write(scope: TenantScope, service: &State<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::write(&service.notes, &scope).await?)
}

#[get("/transaction/<how>")]
async fn transact(
    scope: TenantScope,
    how: &str,
    service: &State<Service>,
) -> Result<&'static str, Answered> {
    Ok(service.faults.transact(&service.notes, &scope, how).await?)
}

#[get("/answer/<status>")]
async fn answer(
    scope: TenantScope,
    status: u16,
    service: &State<Service>,
) -> Result<(Status, ()), Answered> {
    Faults::write_in_transaction(&service.notes, &scope, &status.to_string()).await?;
    Ok((Status::new(status), ()))
}

#[get("/stream")]
async fn stream(
    scope: TenantScope,
    service: &State<Service>,
) -> Result<Streamed<impl Rows + use<>>, Answered> {
    Ok(Streamed(Faults::stream(&service.notes, &scope).await?))
}

#[get("/maintenance")]
fn maintenance(service: &State<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::maintenance(service)?)
}

#[get("/read-only")]
fn read_only(service: &State<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::read_only(service)?)
}

#[get("/available")]
fn available(service: &State<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::available(service)?)
}

#[get("/waiting")]
fn waiting(service: &State<Service>) -> String {
    service.faults.waiting()
}

#[get("/release")]
fn release(service: &State<Service>) -> &'static str {
    service.faults.release();
    "released\n"
}

#[get("/kept")]
async fn kept(service: &State<Service>) -> String {
    service.faults.use_kept(&service.notes).await
}

#[get("/ambient")]
fn ambient() -> &'static str {
    Faults::ambient()
}

/// A handler that needs a scope, on a route that has none.
#[get("/forgotten")]
fn forgotten(_scope: TenantScope) -> &'static str {
    "never"
}
