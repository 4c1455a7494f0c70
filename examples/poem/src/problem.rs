//! Why a request was not served, as Poem answers it.

use example_notes::Problem;
use poem::error::ResponseError;
use poem::http::StatusCode;
use poem::{IntoResponse as _, Response};

/// A [`Problem`] that Poem can answer with.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Answered(Problem);

impl Answered {
    /// What Poem makes a response of.
    pub(crate) fn of(problem: Problem) -> poem::Error {
        Self(problem).into()
    }
}

impl ResponseError for Answered {
    fn status(&self) -> StatusCode {
        if self.0.is_the_callers() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }

    fn as_response(&self) -> Response {
        self.0.tell().with_status(self.status()).into_response()
    }
}
