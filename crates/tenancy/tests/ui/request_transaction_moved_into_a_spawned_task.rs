//! A handle on the request's transaction does not outlive its scope's borrow in a task.

use tenancy::TenantScope;
use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool, scope: &TenantScope) -> Result<(), Error> {
    let mut tx = pool.request_transaction(scope).await?;
    tokio::spawn(async move { sqlx::query("DELETE FROM notes").execute(&mut **tx).await });
    Ok(())
}

fn main() {}
