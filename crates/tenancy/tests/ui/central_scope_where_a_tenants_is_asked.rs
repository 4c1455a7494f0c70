//! A central scope opens no tenant's data by the tenant's way.

use tenancy::CentralScope;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool, scope: &CentralScope) {
    let _ = pool.acquire(scope).await;
}

fn main() {}
