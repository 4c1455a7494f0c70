//! The routes, each of which says what it gives access to.

#![expect(
    clippy::needless_pass_by_value,
    reason = "an extractor is given by value"
)]

use std::io;

use example_notes::{Draft, Note, Service, administrators, whoami};
use futures_util::{StreamExt as _, TryStreamExt as _};
use poem::http::StatusCode;
use poem::web::sse::{Event, SSE};
use poem::web::{Data, Json};
use poem::{Body, Endpoint, EndpointExt as _, IntoResponse, Result, get, handler, post};
use tenancy::poem::{Central, CentralScope, Routes, TenancyLayer, TenantScope};

use crate::problem::Answered;
use crate::{auth, faults};

/// The whole service.
pub(crate) fn app(service: &Service) -> impl Endpoint + 'static {
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
        .open("/health", get(health))
        .open("/open-scopes", get(open_scopes));
    faults::add(routes)
        .finish()
        .data(service.clone())
        // Outside the tenancy layers, whose membership check needs to know who asks.
        .before(move |request| {
            let request = auth::authenticate(&callers, request);
            async { Ok(request) }
        })
}

#[handler]
async fn list(scope: TenantScope, service: Data<&Service>) -> Result<Json<Vec<Note>>> {
    let listed = service.notes.list(&scope).await;
    Ok(Json(listed.map_err(Answered::of)?))
}

#[handler]
async fn add(
    scope: TenantScope,
    service: Data<&Service>,
    Json(draft): Json<Draft>,
) -> Result<impl IntoResponse> {
    let added = service.notes.add(&scope, draft).await;
    Ok(Json(added.map_err(Answered::of)?).with_status(StatusCode::CREATED))
}

/// All of them, or none: an error takes back what was stored before it.
#[handler]
async fn import(
    scope: TenantScope,
    service: Data<&Service>,
    Json(drafts): Json<Vec<Draft>>,
) -> Result<impl IntoResponse> {
    let imported = service.notes.import(&scope, drafts).await;
    Ok(Json(imported.map_err(Answered::of)?).with_status(StatusCode::CREATED))
}

#[handler]
fn export(_: TenantScope, service: Data<&Service>) -> Body {
    Body::from_bytes_stream(service.notes.clone().export().map_err(io::Error::other))
}

#[handler]
fn events(_: TenantScope, service: Data<&Service>) -> SSE {
    // Poem's events can't fail: what fails ends them.
    let counts = service.notes.clone().counts();
    let counts = counts.scan((), |(), counted| std::future::ready(counted.ok()));
    SSE::new(counts.map(|number| Event::message(number.to_string())))
}

#[handler]
fn own_name(scope: TenantScope) -> Result<String> {
    whoami(&scope).map_err(Answered::of)
}

#[handler]
async fn count(scope: CentralScope, service: Data<&Service>) -> Result<String> {
    let Service {
        notes,
        tenancy,
        tenants,
        ..
    } = *service;
    let counted = notes.count_everywhere(tenancy, &scope, tenants).await;
    Ok(format!("{}\n", counted.map_err(Answered::of)?))
}

#[handler]
fn health() -> &'static str {
    "ok\n"
}

#[handler]
fn open_scopes(service: Data<&Service>) -> String {
    format!("{}\n", service.open_scopes.count())
}
