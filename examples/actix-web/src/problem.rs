//! Why a request was not served, as Actix Web answers it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use example_notes::Problem;

/// A [`Problem`] that Actix Web can answer with.
#[derive(Debug)]
pub(crate) struct Answered(Problem);

impl<E: Into<Problem>> From<E> for Answered {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Answered {
    fn status_code(&self) -> StatusCode {
        if self.0.is_the_callers() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).body(self.0.tell())
    }
}
