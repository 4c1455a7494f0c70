//! A driver's own pool knows no tenant, so no request has a transaction of it.

use tenancy::{RequestTransaction, TenantScope};

async fn misuse(pool: sqlx::PgPool, scope: &TenantScope) {
    let _ = RequestTransaction::of(&pool, scope).await;
}

fn main() {}
