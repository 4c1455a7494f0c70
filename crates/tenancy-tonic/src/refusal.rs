//! A refusal in gRPC's own words.

use tenancy_http::Refused;
use tonic::{Code, Status};

/// The status that a refused client is told: the same for every call that was refused like this.
/// A tenant that is in maintenance or read-only adds `retry-after`, in seconds, to its metadata.
///
/// ```
/// use tenancy_tonic::{Refused, status};
///
/// assert_eq!(status(Refused::NotFound).code(), tonic::Code::NotFound);
/// assert_eq!(status(Refused::NotFound).message(), "not found");
/// ```
pub fn status(refused: Refused) -> Status {
    let code = match refused {
        Refused::NoTenant => Code::InvalidArgument,
        Refused::NotFound => Code::NotFound,
        Refused::TryLater | Refused::Unavailable { .. } => Code::Unavailable,
        // Those that are left: something is put together wrongly, or was not saved.
        _ => Code::Internal,
    };
    let mut status = Status::new(code, refused.message().trim_end());
    if let Refused::Unavailable { retry_after, .. } = refused {
        let seconds = retry_after.seconds().into();
        status.metadata_mut().insert("retry-after", seconds);
    }
    status
}

/// `answer`, if it refuses anything.
pub(crate) fn failing(answer: Status, refused: Refused) -> Status {
    if answer.code() == Code::Ok {
        tracing::error!(
            "the mapper given to `on_refusal` answered Ok: give it a status that refuses"
        );
        return status(refused);
    }
    answer
}
