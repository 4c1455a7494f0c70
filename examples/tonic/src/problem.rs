//! Why a call was not served, as tonic answers it.

use example_notes::Problem;
use tonic::Status;

/// What the caller is told of `problem`. It tells the log the cause.
pub(crate) fn status(problem: impl Into<Problem>) -> Status {
    Status::internal(problem.into().tell().trim_end())
}
