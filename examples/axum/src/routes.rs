//! The routes, each of which says what it gives access to.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use example_notes::{Draft, Note, Problem, Service, administrators, whoami};
use futures_util::{Stream, TryStreamExt as _};
use tenancy::axum::{Central, CentralScope, Routes, TenancyLayer, TenantScope};

use crate::problem::Answered;
use crate::{auth, faults};

/// The whole service.
pub(crate) fn app(service: Service) -> Router {
    let callers = service.callers.clone();
    let layer = TenancyLayer::new(service.tenancy.clone()).transaction_per_request();
    let routes = Routes::new(layer)
        .tenant("/notes", get(list).post(add))
        .tenant("/notes/import", post(import))
        .tenant("/notes/export", get(export))
        .tenant("/notes/events", get(events))
        .tenant("/whoami", get(own_name))
        .central(
            "/admin/notes/count",
            Central::because("an administrator counts the notes", administrators),
            get(count),
        )
        .open("/health", get(async || "ok\n"))
        .open("/open-scopes", get(open_scopes));
    faults::add(routes)
        .finish()
        // Outside the tenancy layer, whose membership check needs to know who asks.
        .layer(middleware::from_fn_with_state(callers, auth::authenticate))
        .with_state(service)
}

async fn list(
    scope: TenantScope,
    State(service): State<Service>,
) -> Result<Json<Vec<Note>>, Answered> {
    Ok(Json(service.notes.list(&scope).await?))
}

async fn add(
    scope: TenantScope,
    State(service): State<Service>,
    Json(draft): Json<Draft>,
) -> Result<(StatusCode, Json<Note>), Answered> {
    let note = service.notes.add(&scope, draft).await?;
    Ok((StatusCode::CREATED, Json(note)))
}

/// All of them, or none: an error takes back what was stored before it.
async fn import(
    scope: TenantScope,
    State(service): State<Service>,
    Json(drafts): Json<Vec<Draft>>,
) -> Result<(StatusCode, Json<Vec<Note>>), Answered> {
    let notes = service.notes.import(&scope, drafts).await?;
    Ok((StatusCode::CREATED, Json(notes)))
}

async fn export(_: TenantScope, State(service): State<Service>) -> Body {
    Body::from_stream(service.notes.export())
}

async fn events(
    _: TenantScope,
    State(service): State<Service>,
) -> Sse<impl Stream<Item = Result<Event, Problem>>> {
    let counts = service.notes.counts();
    Sse::new(counts.map_ok(|count| Event::default().data(count.to_string())))
}

async fn own_name(scope: TenantScope) -> Result<String, Answered> {
    Ok(whoami(&scope)?)
}

async fn count(scope: CentralScope, State(service): State<Service>) -> Result<String, Answered> {
    let Service {
        notes,
        tenancy,
        tenants,
        ..
    } = &service;
    let count = notes.count_everywhere(tenancy, &scope, tenants).await?;
    Ok(format!("{count}\n"))
}

async fn open_scopes(State(service): State<Service>) -> String {
    format!("{}\n", service.open_scopes.count())
}
