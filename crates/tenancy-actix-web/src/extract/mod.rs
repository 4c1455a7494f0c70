//! What an Actix Web handler can ask for as an argument.

mod central_scope;
mod missing_layer;
mod scoped;
mod tenant;
mod tenant_scope;

pub use central_scope::CentralScope;
pub use missing_layer::MissingLayer;
pub use scoped::{NoConnection, Scoped};
pub use tenant::Tenant;
pub use tenant_scope::TenantScope;

use actix_web::{HttpMessage, HttpRequest};
use tenancy_http::Ticket;

fn open_scope(request: &HttpRequest) -> Result<tenancy_core::TenantScope, MissingLayer> {
    let extensions = request.extensions();
    let scope = extensions.get::<Ticket>().and_then(Ticket::tenant);
    scope
        .map(tenancy_core::TenantScope::ticket)
        .ok_or(MissingLayer)
}
