//! A committed transaction is gone.

use tenancy::TenantScope;
use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool, scope: &TenantScope) -> Result<(), Error> {
    let mut tx = pool.begin(scope).await?;
    tx.commit().await?;
    let _ = sqlx::query("SELECT 1").execute(&mut **tx).await;
    Ok(())
}

fn main() {}
