//! Why there is no transaction of the request, or why it was not saved.

use crate::BoxError;

/// Why a request's transaction can't be had here. Nothing was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRequestTransaction {
    /// Nobody will end it, so nobody may begin it.
    #[error(
        "this scope has no transaction per request: add `.transaction_per_request()` to the integration's layer, or use the pool's `transaction`, as work without a request does"
    )]
    Off,
    /// A handle on it is held elsewhere.
    #[error(
        "this request's transaction is in use: drop the handle that is held, or hand `&mut` of it down"
    )]
    InUse,
    /// It was begun on another database.
    #[error(
        "this request's transaction is one of another pool: one request has one, so use this pool's `transaction`"
    )]
    AnotherPool,
    /// What used it has panicked.
    #[error("this request's transaction was given up, since what used it has panicked")]
    GivenUp,
    /// The request is answered.
    #[error(
        "this request's transaction is over, since its answer has begun: use the pool's `transaction` in what is streamed"
    )]
    Over,
}

/// Why a request's transaction was not saved, though its answer was a success: send a failure in its
/// place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSaved {
    /// A handle on it has outlived the handler. It is rolled back when that is dropped.
    #[error(
        "a handle on this request's transaction was still held when its answer began, so nothing was saved: drop every handle in the handler"
    )]
    InUse,
    /// What used it has panicked. It was rolled back.
    #[error(
        "what used this request's transaction has panicked, so nothing was saved, though the handler answered with a success"
    )]
    GivenUp,
    /// It has ended before, unsaved: with its scope, or by another end.
    #[error(
        "this request's transaction had ended before it was to be saved, so nothing was saved, or it is not known to be: end it once, and before its scope"
    )]
    Lost,
    /// The database did not commit, or it is not known whether it did: the source says which.
    #[error(
        "this request's transaction was not committed: see its source for the database's reason"
    )]
    Commit(#[source] BoxError),
}
