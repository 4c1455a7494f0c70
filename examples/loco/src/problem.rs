//! Why a request was not served, as axum answers it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use example_notes::Problem;

/// A [`Problem`] that axum, and so Loco, can answer with.
pub(crate) struct Answered(Problem);

impl<E: Into<Problem>> From<E> for Answered {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let status = if self.0.is_the_callers() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        };
        (status, self.0.tell()).into_response()
    }
}
