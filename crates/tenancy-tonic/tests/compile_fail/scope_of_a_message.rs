//! A message has no scope: ask the request, before `into_inner`.

use tenancy_tonic::TenancyRequest as _;
use tonic::{Request, Status};

struct Message;

fn handler(request: Request<Message>) -> Result<String, Status> {
    let message = request.into_inner();
    let scope = message.tenant_scope()?;
    Ok(scope.tenant_id().to_string())
}

fn main() {
    let _ = handler;
}
