//! How much of a service one tenant may have.

mod body;
mod layer;
mod plan;
mod service;
mod usage;

pub use body::LimitedBody;
pub use layer::LimitLayer;
pub use plan::{Limited, Limits};
pub use service::{LimitFuture, LimitService};
