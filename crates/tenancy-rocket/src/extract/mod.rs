//! What a Rocket handler can ask for as a request guard.

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

use rocket::http::Status;
use rocket::request::Outcome;
use rocket::{Ignite, Request, Rocket};
use tenancy_http::{Refused, Ticket};

use crate::refusal;
use crate::routes::Marked;
use crate::slot::Slot;

fn open_scope(request: &Request<'_>) -> Result<tenancy_core::TenantScope, MissingLayer> {
    let ticket = Slot::of(request).ticket();
    let scope = ticket.as_ref().and_then(Ticket::tenant);
    scope
        .map(tenancy_core::TenantScope::ticket)
        .ok_or(MissingLayer)
}

/// A guard's outcome, told to the log where there is no scope.
fn guarded<T>(found: Result<T, MissingLayer>) -> Outcome<T, MissingLayer> {
    match found {
        Ok(found) => Outcome::Success(found),
        Err(missing) => {
            tracing::error!("{missing}");
            Outcome::Error((misconfigured(), missing))
        }
    }
}

fn misconfigured() -> Status {
    refusal::status(Refused::Misconfigured)
}

/// Whether nobody opens scopes for guards to find.
fn has_no_routes(rocket: &Rocket<Ignite>) -> bool {
    let missing = rocket.state::<Marked>().is_none();
    if missing {
        log::error!("tenancy: a guard needs a scope: attach `Routes::new(layer)`");
    }
    missing
}
