//! A connection does not outlive its scope in a task.

use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;
use tenancy::{Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy, pool: TenantPool) {
    let pool = &pool;
    let _ = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<(), Error> {
            let mut db = pool.acquire(scope).await?;
            tokio::spawn(async move { sqlx::query("SELECT 1").execute(&mut *db).await });
            Ok(())
        })
        .await;
}

fn main() {}
