//! `scoped` asks for a pool that knows no tenant.

use tenancy_tonic::TenancyRequest as _;
use tonic::{Request, Status};

struct DriversOwnPool;

async fn handler(pool: &DriversOwnPool, request: Request<()>) -> Result<(), Status> {
    let _connection = request.scoped(pool).await?;
    Ok(())
}

fn main() {
    let _ = handler;
}
