//! Why a request was not served, as Rocket answers it.

use example_notes::Problem;
use rocket::Request;
use rocket::http::Status;
use rocket::response::{Responder, Result};

/// A [`Problem`] that Rocket can answer with.
#[derive(Debug)]
pub(crate) struct Answered(Problem);

impl<E: Into<Problem>> From<E> for Answered {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<'r> Responder<'r, 'static> for Answered {
    fn respond_to(self, request: &'r Request<'_>) -> Result<'static> {
        let status = if self.0.is_the_callers() {
            Status::UnprocessableEntity
        } else {
            Status::InternalServerError
        };
        (status, self.0.tell()).respond_to(request)
    }
}
