//! What an axum handler can ask for as an argument.

mod central_scope;
mod missing_layer;
mod scoped;
mod tenant;
mod tenant_scope;

pub use central_scope::CentralScope;
pub use missing_layer::MissingLayer;
pub use scoped::{DatabaseIn, NoConnection, Scoped};
pub use tenant::Tenant;
pub use tenant_scope::TenantScope;

use axum::http::request::Parts;
use tenancy_http::Ticket;

fn open_scope(parts: &Parts) -> Result<&tenancy_core::TenantScope, MissingLayer> {
    parts
        .extensions
        .get::<Ticket>()
        .and_then(Ticket::tenant)
        .ok_or(MissingLayer)
}
