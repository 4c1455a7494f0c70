//! A connection borrows its scope.

use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::{TenantConnection, TenantPool};
use tenancy::{Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy, pool: TenantPool) {
    let pool = &pool;
    let _kept = tenancy
        .run(
            "acme",
            async |scope: &TenantScope| -> Result<TenantConnection<'_>, Error> {
                pool.acquire(scope).await
            },
        )
        .await;
}

fn main() {}
