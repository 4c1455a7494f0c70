//! The scope lives at least as long as what it opened.

use tenancy::TenantScope;
use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool, scope: TenantScope) -> Result<(), Error> {
    let mut db = pool.acquire(&scope).await?;
    drop(scope);
    let _ = sqlx::query("SELECT 1").execute(&mut *db).await;
    Ok(())
}

fn main() {}
