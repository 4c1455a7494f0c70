//! What both databases offer to the service.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tenancy::{Placement, TenantId, TenantScope};

use crate::service::Note;

/// Notes, one tenant at a time: every method wants to see a scope.
///
/// `sqlite.rs` and `postgres.rs` implement it with nearly the same text. It is here so that one
/// service can run on either; an application with one database writes its queries in its handlers.
pub(crate) trait Notes: Clone + Send + Sync + 'static {
    /// Makes the place where this tenant's notes live.
    fn provision(
        &self,
        tenant: &TenantId,
    ) -> impl Future<Output = Result<Placement, AppError>> + Send;

    /// Stores many notes at once.
    fn fill(
        &self,
        scope: &TenantScope,
        notes: &[Note],
    ) -> impl Future<Output = Result<(), AppError>> + Send;

    /// All notes.
    fn list(&self, scope: &TenantScope)
    -> impl Future<Output = Result<Vec<Note>, AppError>> + Send;

    /// One note.
    fn read(
        &self,
        scope: &TenantScope,
        id: i64,
    ) -> impl Future<Output = Result<Option<Note>, AppError>> + Send;

    /// Stores a note under an id that the database chooses.
    fn add(
        &self,
        scope: &TenantScope,
        title: String,
    ) -> impl Future<Output = Result<Note, AppError>> + Send;

    /// Stores a note under its own id, over the one that may be there.
    fn write(
        &self,
        scope: &TenantScope,
        note: &Note,
    ) -> impl Future<Output = Result<(), AppError>> + Send;

    /// Removes a note, and says whether it was there.
    fn remove(
        &self,
        scope: &TenantScope,
        id: i64,
    ) -> impl Future<Output = Result<bool, AppError>> + Send;

    /// Runs SQL that holds whatever the caller wrote: only [`careless`](crate::careless) does.
    fn run_raw(
        &self,
        scope: &TenantScope,
        sql: String,
    ) -> impl Future<Output = Result<Vec<Row>, AppError>> + Send;

    /// Closes every connection.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// One row of any shape, as text.
pub(crate) type Row = Vec<Option<String>>;

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    /// This tenant has no such note.
    #[error("there is no such note")]
    NoSuchNote,
    /// No scope, no connection, or no provisioned database.
    #[error(transparent)]
    Tenancy(#[from] tenancy::sqlx::Error),
    /// The database refused a statement.
    #[error("{}", said(.0))]
    Sql(#[from] sqlx::Error),
}

impl From<tenancy::Error> for AppError {
    fn from(error: tenancy::Error) -> Self {
        Self::Tenancy(error.into())
    }
}

/// What the database said, with its code.
pub(crate) fn said(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(error) => format!("{}  {}", error.code().unwrap_or_default(), error.message()),
        None => error.to_string(),
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchNote => (StatusCode::NOT_FOUND, "there is no such note\n").into_response(),
            // The cause goes to the log; the caller learns nothing from it.
            error => {
                tracing::error!(%error, "a request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response()
            }
        }
    }
}
