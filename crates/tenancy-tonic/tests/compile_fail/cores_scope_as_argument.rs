//! A handler gets its scope from its request, and has no argument for one.

use tenancy_core::TenantScope;
use tonic::{Request, Response, Status};

/// What tonic makes of `rpc WhoAmI(Empty) returns (Text)`.
#[tonic::async_trait]
trait Notes {
    async fn who_am_i(&self, request: Request<()>) -> Result<Response<String>, Status>;
}

struct Service;

#[tonic::async_trait]
impl Notes for Service {
    async fn who_am_i(&self, scope: TenantScope) -> Result<Response<String>, Status> {
        Ok(Response::new(scope.tenant_id().to_string()))
    }
}

fn main() {
    let _ = Service;
}
