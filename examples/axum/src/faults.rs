//! Routes that break on purpose, for the suite. A real service has none.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use example_notes::{Faults, Problem, Service};
use tenancy::axum::{Routes, TenantScope};

use crate::problem::Answered;

/// Adds them.
pub(crate) fn add(routes: Routes<Service>) -> Routes<Service> {
    routes
        .tenant("/faults/panic", get(panics))
        .tenant("/faults/error", get(fails))
        .tenant(
            "/faults/middleware",
            get(async || "never").layer(from_fn(failing_middleware)),
        )
        .tenant("/faults/wait", get(wait))
        .tenant("/faults/keep", get(keep))
        .tenant("/faults/write", get(write))
        .tenant("/faults/transaction/{how}", get(transact))
        .tenant("/faults/answer/{status}", get(answer))
        .tenant("/faults/stream", get(stream))
        .open("/faults/maintenance", get(maintenance))
        .open("/faults/read-only", get(read_only))
        .open("/faults/available", get(available))
        .open("/faults/waiting", get(waiting))
        .open("/faults/release", get(release))
        .open("/faults/kept", get(kept))
        .open("/faults/ambient", get(async || Faults::ambient()))
        // A handler that needs a scope, on a route that has none.
        .open("/faults/forgotten", get(async |_: TenantScope| "never"))
}

#[expect(clippy::panic, reason = "this route is there to panic")]
async fn panics(_: TenantScope) -> StatusCode {
    panic!("on purpose")
}

async fn fails(_: TenantScope) -> Result<StatusCode, Answered> {
    Err(Problem::OnPurpose.into())
}

async fn failing_middleware(_: Request, _: Next) -> Result<StatusCode, Answered> {
    Err(Problem::OnPurpose.into())
}

async fn wait(scope: TenantScope, State(service): State<Service>) -> Result<String, Answered> {
    Ok(service.faults.wait(&service.notes, &scope).await?)
}

async fn keep(scope: TenantScope, State(service): State<Service>) -> &'static str {
    service.faults.keep(scope.into_inner());
    "kept\n"
}

async fn write(
    scope: TenantScope,
    State(service): State<Service>,
) -> Result<&'static str, Answered> {
    Ok(Faults::write(&service.notes, &scope).await?)
}

async fn transact(
    scope: TenantScope,
    Path(how): Path<String>,
    State(service): State<Service>,
) -> Result<&'static str, Answered> {
    Ok(service
        .faults
        .transact(&service.notes, &scope, &how)
        .await?)
}

async fn answer(
    scope: TenantScope,
    Path(status): Path<String>,
    State(service): State<Service>,
) -> Result<StatusCode, Answered> {
    Faults::write_in_transaction(&service.notes, &scope, &status).await?;
    status.parse().map_err(|_| Problem::OnPurpose.into())
}

async fn stream(scope: TenantScope, State(service): State<Service>) -> Result<Body, Answered> {
    let body = Faults::stream(&service.notes, &scope).await?;
    Ok(Body::from_stream(body))
}

async fn maintenance(State(service): State<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::maintenance(&service)?)
}

async fn read_only(State(service): State<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::read_only(&service)?)
}

async fn available(State(service): State<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::available(&service)?)
}

async fn waiting(State(service): State<Service>) -> String {
    service.faults.waiting()
}

async fn release(State(service): State<Service>) -> &'static str {
    service.faults.release();
    "released\n"
}

async fn kept(State(service): State<Service>) -> String {
    service.faults.use_kept(&service.notes).await
}
