//! The notes service: what an application writes. No handler names a tenant, and neither does the
//! SQL behind them (`sqlite.rs`, `postgres.rs`).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::{Deserialize, Serialize};
use tenancy::axum::{TenancyLayer, Tenant, TenantScope};
use tenancy::{Tenancy, TenantId};

use crate::auth::{self, Members};
use crate::careless;
use crate::notes::{AppError, Notes};

/// Tenants are its subdomains.
pub(crate) const DOMAIN: &str = "notes.localhost";

/// The host of one tenant.
pub(crate) fn host_of(tenant: &TenantId) -> String {
    format!("{tenant}.{DOMAIN}")
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// Unique within its tenant.
    pub(crate) id: i64,
    /// What it says.
    pub(crate) title: String,
}

impl From<(i64, String)> for Note {
    fn from((id, title): (i64, String)) -> Self {
        Self { id, title }
    }
}

/// What a caller writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    title: String,
}

/// The whole service.
pub(crate) fn app<N: Notes>(tenancy: Tenancy, notes: N, members: Members) -> Router {
    let scoped = Router::new()
        .route("/whoami", get(whoami))
        .route("/notes", get(list::<N>).post(add::<N>))
        .route(
            "/notes/{id}",
            get(read::<N>).put(write::<N>).delete(remove::<N>),
        )
        .merge(careless::routes(notes.clone()))
        .layer(TenancyLayer::new(tenancy))
        // Outside the tenancy layer, whose membership check needs to know who asks.
        .layer(middleware::from_fn_with_state(members, auth::authenticate))
        .with_state(notes);
    scoped.merge(careless::forgotten())
}

async fn whoami(tenant: Tenant) -> String {
    format!("{}\n", tenant.id())
}

async fn list<N: Notes>(
    scope: TenantScope,
    State(notes): State<N>,
) -> Result<Json<Vec<Note>>, AppError> {
    Ok(Json(notes.list(&scope).await?))
}

async fn add<N: Notes>(
    scope: TenantScope,
    State(notes): State<N>,
    Json(draft): Json<Draft>,
) -> Result<(StatusCode, Json<Note>), AppError> {
    Ok((
        StatusCode::CREATED,
        Json(notes.add(&scope, draft.title).await?),
    ))
}

async fn read<N: Notes>(
    scope: TenantScope,
    State(notes): State<N>,
    Path(id): Path<i64>,
) -> Result<Json<Note>, AppError> {
    notes
        .read(&scope, id)
        .await?
        .map(Json)
        .ok_or(AppError::NoSuchNote)
}

async fn write<N: Notes>(
    scope: TenantScope,
    State(notes): State<N>,
    Path(id): Path<i64>,
    Json(Draft { title }): Json<Draft>,
) -> Result<Json<Note>, AppError> {
    let note = Note { id, title };
    notes.write(&scope, &note).await?;
    Ok(Json(note))
}

async fn remove<N: Notes>(
    scope: TenantScope,
    State(notes): State<N>,
    Path(id): Path<i64>,
) -> Result<StatusCode, AppError> {
    let removed = notes.remove(&scope, id).await?;
    if removed {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(AppError::NoSuchNote)
    }
}
