//! The error of a guard on a route without a scope.

/// A handler asked for a scope that is not open on its route. The client is answered by the catcher
/// of 500, the log says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this route's handler needs a scope that is not open on it: mount the route with `Routes::tenant` (or `Routes::central` for a CentralScope)"
)]
pub struct MissingLayer;
