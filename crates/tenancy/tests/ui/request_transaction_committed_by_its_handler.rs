//! The answer ends the request's transaction, not the handler.

use tenancy::TenantScope;
use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool, scope: &TenantScope) -> Result<(), Error> {
    let tx = pool.request_transaction(scope).await?;
    tx.commit().await.unwrap();
    Ok(())
}

fn main() {}
