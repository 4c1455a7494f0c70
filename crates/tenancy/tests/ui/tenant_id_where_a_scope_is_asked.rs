//! An id is no scope: it was not looked up, and nobody was asked.

use tenancy::TenantId;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool, id: TenantId) {
    let _ = pool.acquire(&id).await;
}

fn main() {}
