//! **Mistakes, made on purpose.** What a service looks like that holds `tenancy` wrong, so that
//! you can see each mistake fail closed. Copy nothing from here.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use tenancy::axum::TenantScope;

use crate::notes::{AppError, Notes, Row};
use crate::service::Note;

#[derive(Clone)]
struct Careless<N> {
    notes: N,
    /// What the last request left behind.
    kept: Arc<Mutex<Option<tenancy::TenantScope>>>,
}

/// Mistakes behind the tenancy layer.
pub(crate) fn routes<N: Notes, S: Clone + Send + Sync + 'static>(notes: N) -> Router<S> {
    Router::new()
        .route("/search", get(search::<N>))
        .route("/careless/spawn", get(spawn::<N>))
        .route("/careless/keep", get(keep::<N>))
        .with_state(Careless {
            notes,
            kept: Arc::default(),
        })
}

/// A route that nobody put behind the tenancy layer.
pub(crate) fn forgotten() -> Router {
    Router::new().route(
        "/careless/no-layer",
        get(async |_: TenantScope| "never reached"),
    )
}

#[derive(Deserialize)]
struct Search {
    q: String,
}

/// Concatenates SQL, so that a caller can run any statement there is.
async fn search<N: Notes>(
    scope: TenantScope,
    State(this): State<Careless<N>>,
    Query(Search { q }): Query<Search>,
) -> Result<Json<Vec<Row>>, Told> {
    let sql = format!("SELECT id, title FROM notes WHERE title LIKE '%{q}%' ORDER BY id");
    Ok(Json(this.notes.run_raw(&scope, sql).await?))
}

/// Spawns a task and forgets to take the scope along.
async fn spawn<N: Notes>(State(this): State<Careless<N>>) -> Result<Json<Vec<Note>>, Told> {
    let task = tokio::spawn(async move {
        let scope = tenancy::TenantScope::current()?; // `.in_current_scope()` would carry it here
        this.notes.list(&scope).await
    });
    match task.await {
        Ok(notes) => Ok(Json(notes?)),
        Err(_) => Ok(Json(Vec::new())),
    }
}

/// Keeps its scope when it is done, and uses the one that the request before it kept.
async fn keep<N: Notes>(
    scope: TenantScope,
    State(this): State<Careless<N>>,
) -> Result<Json<Vec<Note>>, Told> {
    let mine = scope.ticket();
    let kept = this
        .kept
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(mine);
    match kept {
        Some(kept) => Ok(Json(this.notes.list(&kept).await?)),
        None => Ok(Json(Vec::new())),
    }
}

/// Tells the caller the cause, so that you can read it.
struct Told(AppError);

impl<E: Into<AppError>> From<E> for Told {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{}\n", self.0)).into_response()
    }
}
