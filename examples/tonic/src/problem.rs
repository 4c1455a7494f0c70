//! Why a call was not served, as tonic answers it.

use example_notes::Problem;
use tonic::{Code, Status};

/// What the caller is told of `problem`. It tells the log the cause, where the caller can't mend it.
pub(crate) fn status(problem: impl Into<Problem>) -> Status {
    let problem = problem.into();
    let code = if problem.is_the_callers() {
        Code::InvalidArgument
    } else {
        Code::Internal
    };
    Status::new(code, problem.tell().trim_end())
}
