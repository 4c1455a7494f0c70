//! A central scope opens no tenant's database.

use tenancy_core::ScopedDatabase;
use tenancy_tonic::TenancyRequest as _;
use tonic::{Request, Status};

async fn handler<P: ScopedDatabase>(database: &P, request: Request<()>) -> Result<(), Status> {
    let scope = request.central_scope()?;
    let _ = database.acquire_owned(scope).await;
    Ok(())
}

fn main() {
    let _ = handler::<Pool>;
}

enum Pool {}

impl ScopedDatabase for Pool {
    type Connection = ();
    type Error = tenancy_core::Error;

    async fn acquire_owned(&self, _: tenancy_core::TenantScope) -> Result<(), Self::Error> {
        match *self {}
    }
}
