//! The routes, each of which says what it gives access to.

use std::io;

use bytes::Bytes;
use example_notes::{Draft, Note, Problem, Service, administrators, whoami};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use rocket::http::Status;
use rocket::response::stream::{Event, EventStream};
use rocket::response::{Responder, Response, Result as Responded};
use rocket::serde::json::Json;
use rocket::{Request, State, get, post, routes};
use tenancy::rocket::{Central, CentralScope, Routes, TenancyLayer, TenantScope};
use tokio_util::io::StreamReader;

use crate::faults;
use crate::problem::Answered;

/// The whole service.
pub(crate) fn routes(service: &Service) -> Routes {
    let layer = TenancyLayer::new(service.tenancy.clone()).transaction_per_request();
    let routes = Routes::new(layer)
        .tenant("/", routes![list, add, import, export, events, own_name])
        .central(
            "/admin",
            Central::because("an administrator counts the notes", administrators),
            routes![count],
        )
        .open("/", routes![health, open_scopes]);
    faults::add(routes)
}

#[get("/notes")]
async fn list(scope: TenantScope, service: &State<Service>) -> Result<Json<Vec<Note>>, Answered> {
    Ok(Json(service.notes.list(&scope).await?))
}

#[post("/notes", data = "<draft>")]
async fn add(
    scope: TenantScope,
    service: &State<Service>,
    draft: Json<Draft>,
) -> Result<(Status, Json<Note>), Answered> {
    let note = service.notes.add(&scope, draft.into_inner()).await?;
    Ok((Status::Created, Json(note)))
}

/// All of them, or none: an error takes back what was stored before it.
#[post("/notes/import", data = "<drafts>")]
async fn import(
    scope: TenantScope,
    service: &State<Service>,
    drafts: Json<Vec<Draft>>,
) -> Result<(Status, Json<Vec<Note>>), Answered> {
    let notes = service.notes.import(&scope, drafts.into_inner()).await?;
    Ok((Status::Created, Json(notes)))
}

#[get("/notes/export")]
fn export(_scope: TenantScope, service: &State<Service>) -> Streamed<impl Rows + use<>> {
    Streamed(service.notes.clone().export())
}

#[get("/notes/events")]
fn events(
    _scope: TenantScope,
    service: &State<Service>,
) -> EventStream<impl Stream<Item = Event> + use<>> {
    // Rocket's events can't fail: what fails ends them.
    let counts = service.notes.clone().counts();
    let counts = counts.scan((), |(), counted| std::future::ready(counted.ok()));
    EventStream::from(counts.map(|number| Event::data(number.to_string())))
}

#[get("/whoami")]
#[expect(clippy::needless_pass_by_value, reason = "a guard is a value")]
fn own_name(scope: TenantScope) -> Result<String, Answered> {
    Ok(whoami(&scope)?)
}

#[get("/notes/count")]
async fn count(scope: CentralScope, service: &State<Service>) -> Result<String, Answered> {
    let Service {
        notes,
        tenancy,
        tenants,
        ..
    } = service.inner();
    let count = notes.count_everywhere(tenancy, &scope, tenants).await?;
    Ok(format!("{count}\n"))
}

#[get("/health")]
fn health() -> &'static str {
    "ok\n"
}

#[get("/open-scopes")]
fn open_scopes(service: &State<Service>) -> String {
    format!("{}\n", service.open_scopes.count())
}

/// Rows as they are sent; one that fails cuts the answer off, so that nobody takes it for whole.
pub(crate) trait Rows: Stream<Item = Result<Bytes, Problem>> + Send + 'static {}

impl<S: Stream<Item = Result<Bytes, Problem>> + Send + 'static> Rows for S {}

pub(crate) struct Streamed<S>(pub(crate) S);

impl<'r, S: Rows> Responder<'r, 'static> for Streamed<S> {
    fn respond_to(self, _: &'r Request<'_>) -> Responded<'static> {
        let rows = self.0.map_err(io::Error::other);
        Response::build()
            .streamed_body(StreamReader::new(rows))
            .ok()
    }
}
