//! A scope can't be put into a request by hand: only an admitted call has one.

use tonic::Request;

fn steal(mut request: Request<()>, scope: tenancy_core::TenantScope) -> Request<()> {
    let ticket = tenancy_http::Ticket(scope);
    request.extensions_mut().insert(ticket);
    request
}

fn main() {
    let _ = steal;
}
