//! No scope, no connection.

use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool) {
    let _ = pool.acquire().await;
}

fn main() {}
