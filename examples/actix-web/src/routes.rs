//! The routes, each of which says what it gives access to.

use actix_web::http::header::ContentType;
use actix_web::web::{Data, Json, ServiceConfig, resource};
use actix_web::{HttpResponse, Responder};
use bytes::Bytes;
use example_notes::{Draft, Note, Service, administrators, whoami};
use futures_util::TryStreamExt as _;
use tenancy::actix_web::{Central, CentralScope, Routes, TenancyLayer, TenantScope};

use crate::faults;
use crate::problem::Answered;

/// Adds the whole service.
pub(crate) fn configure(config: &mut ServiceConfig, service: &Service) {
    let layer = TenancyLayer::new(service.tenancy.clone()).transaction_per_request();
    let routes = Routes::of(config, layer)
        .tenant(resource("/notes").get(list).post(add))
        .tenant(resource("/notes/import").post(import))
        .tenant(resource("/notes/export").get(export))
        .tenant(resource("/notes/events").get(events))
        .tenant(resource("/whoami").get(own_name))
        .central(
            Central::because("an administrator counts the notes", administrators),
            resource("/admin/notes/count").get(count),
        )
        .open(resource("/health").get(async || "ok\n"))
        .open(resource("/open-scopes").get(open_scopes));
    faults::add(routes);
}

async fn list(scope: TenantScope, service: Data<Service>) -> Result<Json<Vec<Note>>, Answered> {
    Ok(Json(service.notes.list(&scope).await?))
}

async fn add(
    scope: TenantScope,
    service: Data<Service>,
    Json(draft): Json<Draft>,
) -> Result<impl Responder, Answered> {
    let note = service.notes.add(&scope, draft).await?;
    Ok(HttpResponse::Created().json(note))
}

/// All of them, or none: an error takes back what was stored before it.
async fn import(
    scope: TenantScope,
    service: Data<Service>,
    Json(drafts): Json<Vec<Draft>>,
) -> Result<impl Responder, Answered> {
    let notes = service.notes.import(&scope, drafts).await?;
    Ok(HttpResponse::Created().json(notes))
}

async fn export(_: TenantScope, service: Data<Service>) -> impl Responder {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .streaming(service.notes.clone().export())
}

async fn events(_: TenantScope, service: Data<Service>) -> impl Responder {
    let counts = service.notes.clone().counts();
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(counts.map_ok(|count| Bytes::from(format!("data: {count}\n\n"))))
}

async fn own_name(scope: TenantScope) -> Result<String, Answered> {
    Ok(whoami(&scope)?)
}

async fn count(scope: CentralScope, service: Data<Service>) -> Result<String, Answered> {
    let Service {
        notes,
        tenancy,
        tenants,
        ..
    } = service.get_ref();
    let count = notes.count_everywhere(tenancy, &scope, tenants).await?;
    Ok(format!("{count}\n"))
}

async fn open_scopes(service: Data<Service>) -> String {
    format!("{}\n", service.open_scopes.count())
}
