//! Routes that break on purpose, for the suite. A real service has none.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, Path, resource};
use example_notes::{Faults, Problem, Service};
use tenancy::actix_web::{Routes, TenantScope};

use crate::problem::Answered;

/// Adds them.
pub(crate) fn add(routes: Routes<'_>) {
    let failing = resource("/faults/middleware")
        .get(async || "never")
        .wrap(from_fn(failing_middleware));
    routes
        .tenant(resource("/faults/panic").get(panics))
        .tenant(resource("/faults/error").get(fails))
        .tenant(failing)
        .tenant(resource("/faults/wait").get(wait))
        .tenant(resource("/faults/keep").get(keep))
        .tenant(resource("/faults/write").get(write))
        .tenant(resource("/faults/transaction/{how}").get(transact))
        .tenant(resource("/faults/answer/{status}").get(answer))
        .tenant(resource("/faults/stream").get(stream))
        .open(resource("/faults/maintenance").get(maintenance))
        .open(resource("/faults/read-only").get(read_only))
        .open(resource("/faults/available").get(available))
        .open(resource("/faults/waiting").get(waiting))
        .open(resource("/faults/release").get(release))
        .open(resource("/faults/kept").get(kept))
        .open(resource("/faults/ambient").get(async || Faults::ambient()))
        // A handler that needs a scope, on a route that has none.
        .open(resource("/faults/forgotten").get(async |_: TenantScope| "never"));
}

#[expect(clippy::panic, reason = "this route is there to panic")]
async fn panics(_: TenantScope) -> HttpResponse {
    panic!("on purpose")
}

async fn fails(_: TenantScope) -> Result<HttpResponse, Answered> {
    Err(Problem::OnPurpose.into())
}

async fn failing_middleware(
    _: ServiceRequest,
    _: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    Err(Answered::from(Problem::OnPurpose).into())
}

async fn wait(scope: TenantScope, service: Data<Service>) -> Result<String, Answered> {
    Ok(service.faults.wait(&service.notes, &scope).await?)
}

async fn keep(scope: TenantScope, service: Data<Service>) -> &'static str {
    service.faults.keep(scope.into_inner());
    "kept\n"
}

async fn write(scope: TenantScope, service: Data<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::write(&service.notes, &scope).await?)
}

async fn transact(
    scope: TenantScope,
    how: Path<String>,
    service: Data<Service>,
) -> Result<&'static str, Answered> {
    Ok(service
        .faults
        .transact(&service.notes, &scope, &how)
        .await?)
}

async fn answer(
    scope: TenantScope,
    status: Path<String>,
    service: Data<Service>,
) -> Result<HttpResponse, Answered> {
    Faults::write_in_transaction(&service.notes, &scope, &status).await?;
    let status: StatusCode = status.parse().map_err(|_| Problem::OnPurpose)?;
    Ok(HttpResponse::new(status))
}

async fn stream(scope: TenantScope, service: Data<Service>) -> Result<HttpResponse, Answered> {
    let body = Faults::stream(&service.notes, &scope).await?;
    Ok(HttpResponse::Ok().streaming(body))
}

async fn maintenance(service: Data<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::maintenance(&service)?)
}

async fn read_only(service: Data<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::read_only(&service)?)
}

async fn available(service: Data<Service>) -> Result<&'static str, Answered> {
    Ok(Faults::available(&service)?)
}

async fn waiting(service: Data<Service>) -> String {
    service.faults.waiting()
}

async fn release(service: Data<Service>) -> &'static str {
    service.faults.release();
    "released\n"
}

async fn kept(service: Data<Service>) -> String {
    service.faults.use_kept(&service.notes).await
}
