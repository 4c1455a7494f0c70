//! Each tenant's notes, and the administrators' count of all.

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{get, post};
use example_notes::{Draft, Note, Problem, Service};
use futures_util::{Stream, TryStreamExt as _};
use loco_rs::controller::Routes;
use loco_rs::controller::extractor::shared_store::SharedStore;
use tenancy::loco::{CentralScope, TenantScope};

use crate::problem::Answered;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .prefix("/notes")
        .add("/", get(list).post(add))
        .add("/import", post(import))
        .add("/export", get(export))
        .add("/events", get(events))
}

pub(crate) fn administration() -> Routes {
    Routes::new()
        .prefix("/admin")
        .add("/notes/count", get(count))
}

async fn list(
    scope: TenantScope,
    SharedStore(service): SharedStore<Service>,
) -> Result<Json<Vec<Note>>, Answered> {
    Ok(Json(service.notes.list(&scope).await?))
}

async fn add(
    scope: TenantScope,
    SharedStore(service): SharedStore<Service>,
    Json(draft): Json<Draft>,
) -> Result<(StatusCode, Json<Note>), Answered> {
    let note = service.notes.add(&scope, draft).await?;
    Ok((StatusCode::CREATED, Json(note)))
}

/// All of them, or none: an error takes back what was stored before it.
async fn import(
    scope: TenantScope,
    SharedStore(service): SharedStore<Service>,
    Json(drafts): Json<Vec<Draft>>,
) -> Result<(StatusCode, Json<Vec<Note>>), Answered> {
    let notes = service.notes.import(&scope, drafts).await?;
    Ok((StatusCode::CREATED, Json(notes)))
}

async fn export(_: TenantScope, SharedStore(service): SharedStore<Service>) -> Body {
    Body::from_stream(service.notes.export())
}

async fn events(
    _: TenantScope,
    SharedStore(service): SharedStore<Service>,
) -> Sse<impl Stream<Item = Result<Event, Problem>>> {
    let counts = service.notes.counts();
    Sse::new(counts.map_ok(|count| Event::default().data(count.to_string())))
}

async fn count(
    scope: CentralScope,
    SharedStore(service): SharedStore<Service>,
) -> Result<String, Answered> {
    let Service {
        notes,
        tenancy,
        tenants,
        ..
    } = &service;
    let count = notes.count_everywhere(tenancy, &scope, tenants).await?;
    Ok(format!("{count}\n"))
}
