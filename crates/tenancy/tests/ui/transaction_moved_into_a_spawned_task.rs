//! A transaction does not outlive its scope in a task.

use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;
use tenancy::{Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy, pool: TenantPool) {
    let pool = &pool;
    let _ = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<(), Error> {
            let tx = pool.begin(scope).await?;
            tokio::spawn(async move { tx.commit().await });
            Ok(())
        })
        .await;
}

fn main() {}
