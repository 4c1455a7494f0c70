//! Routes that break on purpose, for the suite. A real service has none.

#![expect(
    clippy::needless_pass_by_value,
    reason = "an extractor is given by value"
)]

use std::future::{Ready, ready};
use std::io;

use example_notes::{Faults, Problem, Service};
use futures_util::TryStreamExt as _;
use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Body, EndpointExt as _, Request, Result, get, handler};
use tenancy::poem::{Routes, TenantScope};

use crate::problem::Answered;

/// Adds them.
pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .tenant("/faults/panic", get(panics))
        .tenant("/faults/error", get(fails))
        .tenant("/faults/middleware", get(never).before(failing_middleware))
        .tenant("/faults/wait", get(wait))
        .tenant("/faults/keep", get(keep))
        .tenant("/faults/write", get(write))
        .tenant("/faults/transaction/:how", get(transact))
        .tenant("/faults/answer/:status", get(answer))
        .tenant("/faults/stream", get(stream))
        .open("/faults/maintenance", get(maintenance))
        .open("/faults/read-only", get(read_only))
        .open("/faults/available", get(available))
        .open("/faults/waiting", get(waiting))
        .open("/faults/release", get(release))
        .open("/faults/kept", get(kept))
        .open("/faults/ambient", get(ambient))
        .open("/faults/forgotten", get(forgotten))
}

#[handler]
fn never() -> &'static str {
    "never"
}

#[handler]
#[expect(clippy::panic, reason = "this route is there to panic")]
fn panics(_: TenantScope) -> StatusCode {
    panic!("on purpose")
}

#[handler]
fn fails(_: TenantScope) -> Result<StatusCode> {
    Err(Answered::of(Problem::OnPurpose))
}

fn failing_middleware(_: Request) -> Ready<Result<Request>> {
    ready(Err(Answered::of(Problem::OnPurpose)))
}

#[handler]
async fn wait(scope: TenantScope, service: Data<&Service>) -> Result<String> {
    let waited = service.faults.wait(&service.notes, &scope).await;
    waited.map_err(Answered::of)
}

#[handler]
fn keep(scope: TenantScope, service: Data<&Service>) -> &'static str {
    service.faults.keep(scope.into_inner());
    "kept\n"
}

#[handler]
async fn write(scope: TenantScope, service: Data<&Service>) -> Result<&'static str> {
    let written = Faults::write(&service.notes, &scope).await;
    written.map_err(Answered::of)
}

#[handler]
async fn transact(
    scope: TenantScope,
    Path(how): Path<String>,
    service: Data<&Service>,
) -> Result<&'static str> {
    let transacted = service.faults.transact(&service.notes, &scope, &how);
    transacted.await.map_err(Answered::of)
}

#[handler]
async fn answer(
    scope: TenantScope,
    Path(status): Path<String>,
    service: Data<&Service>,
) -> Result<StatusCode> {
    let written = Faults::write_in_transaction(&service.notes, &scope, &status).await;
    written.map_err(Answered::of)?;
    status.parse().map_err(|_| Answered::of(Problem::OnPurpose))
}

#[handler]
async fn stream(scope: TenantScope, service: Data<&Service>) -> Result<Body> {
    let body = Faults::stream(&service.notes, &scope).await;
    let body = body.map_err(Answered::of)?;
    Ok(Body::from_bytes_stream(body.map_err(io::Error::other)))
}

#[handler]
fn maintenance(service: Data<&Service>) -> Result<&'static str> {
    Faults::maintenance(&service).map_err(Answered::of)
}

#[handler]
fn read_only(service: Data<&Service>) -> Result<&'static str> {
    Faults::read_only(&service).map_err(Answered::of)
}

#[handler]
fn available(service: Data<&Service>) -> Result<&'static str> {
    Faults::available(&service).map_err(Answered::of)
}

#[handler]
fn waiting(service: Data<&Service>) -> String {
    service.faults.waiting()
}

#[handler]
fn release(service: Data<&Service>) -> &'static str {
    service.faults.release();
    "released\n"
}

#[handler]
async fn kept(service: Data<&Service>) -> String {
    service.faults.use_kept(&service.notes).await
}

#[handler]
fn ambient() -> &'static str {
    Faults::ambient()
}

/// A handler that needs a scope, on a route that has none.
#[handler]
fn forgotten(_: TenantScope) -> &'static str {
    "never"
}
