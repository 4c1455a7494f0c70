//! Routes that break on purpose, for the suite. A real service has none.

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use example_notes::{Faults, Problem, Service};
use loco_rs::controller::Routes;
use loco_rs::controller::extractor::shared_store::SharedStore;
use tenancy::loco::TenantScope;

use crate::problem::Answered;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .prefix("/faults")
        .add("/panic", get(panics))
        .add("/error", get(fails))
        .add(
            "/middleware",
            get(async || "never").layer(from_fn(failing_middleware)),
        )
        .add("/wait", get(wait))
        .add("/keep", get(keep))
        .add("/write", get(write))
        .add("/transaction/{how}", get(transact))
        .add("/answer/{status}", get(answer))
        .add("/stream", get(stream))
}

/// Those that have no scope.
pub(crate) fn open() -> Routes {
    Routes::new()
        .prefix("/faults")
        .add("/maintenance", get(maintenance))
        .add("/read-only", get(read_only))
        .add("/available", get(available))
        .add("/waiting", get(waiting))
        .add("/release", get(release))
        .add("/kept", get(kept))
        .add("/ambient", get(async || Faults::ambient()))
        // A handler that needs a scope, on a route that has none.
        .add("/forgotten", get(async |_: TenantScope| "never"))
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

async fn wait(
    scope: TenantScope,
    SharedStore(service): SharedStore<Service>,
) -> Result<String, Answered> {
    Ok(service.faults.wait(&service.notes, &scope).await?)
}

async fn keep(scope: TenantScope, SharedStore(service): SharedStore<Service>) -> &'static str {
    service.faults.keep(scope.into_inner());
    "kept\n"
}

async fn write(
    scope: TenantScope,
    SharedStore(service): SharedStore<Service>,
) -> Result<&'static str, Answered> {
    Ok(Faults::write(&service.notes, &scope).await?)
}

async fn transact(
    scope: TenantScope,
    Path(how): Path<String>,
    SharedStore(service): SharedStore<Service>,
) -> Result<&'static str, Answered> {
    Ok(service
        .faults
        .transact(&service.notes, &scope, &how)
        .await?)
}

async fn answer(
    scope: TenantScope,
    Path(status): Path<String>,
    SharedStore(service): SharedStore<Service>,
) -> Result<StatusCode, Answered> {
    Faults::write_in_transaction(&service.notes, &scope, &status).await?;
    status.parse().map_err(|_| Problem::OnPurpose.into())
}

async fn stream(
    scope: TenantScope,
    SharedStore(service): SharedStore<Service>,
) -> Result<Body, Answered> {
    let body = Faults::stream(&service.notes, &scope).await?;
    Ok(Body::from_stream(body))
}

async fn maintenance(SharedStore(service): SharedStore<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::maintenance(&service)?)
}

async fn read_only(SharedStore(service): SharedStore<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::read_only(&service)?)
}

async fn available(SharedStore(service): SharedStore<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::available(&service)?)
}

async fn waiting(SharedStore(service): SharedStore<Service>) -> String {
    service.faults.waiting()
}

async fn release(SharedStore(service): SharedStore<Service>) -> &'static str {
    service.faults.release();
    "released\n"
}

async fn kept(SharedStore(service): SharedStore<Service>) -> String {
    service.faults.use_kept(&service.notes).await
}
