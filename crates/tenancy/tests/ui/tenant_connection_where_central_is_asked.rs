//! Central work has its own scope.

use tenancy::TenantScope;
use tenancy::sqlx::postgres::CentralPool;

async fn misuse(pool: CentralPool, scope: &TenantScope) {
    let _ = pool.acquire(scope).await;
}

fn main() {}
