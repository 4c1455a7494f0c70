//! A handle on the request's transaction does not leave the handler whose scope it borrows.

use tenancy::axum::TenantScope;
use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;
use tenancy::RequestTransaction;

async fn misuse(
    pool: TenantPool,
    scope: TenantScope,
) -> Result<RequestTransaction<'static, TenantPool>, Error> {
    pool.request_transaction(&scope).await
}

fn main() {}
