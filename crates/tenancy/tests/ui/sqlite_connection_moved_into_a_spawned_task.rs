//! The same wall stands before SQLite.

use tenancy::sqlx::Error;
use tenancy::sqlx::sqlite::SqliteTenants;
use tenancy::{Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy, files: SqliteTenants) {
    let files = &files;
    let _ = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<(), Error> {
            let mut db = files.acquire(scope).await?;
            tokio::spawn(async move { sqlx::query("SELECT 1").execute(&mut *db).await });
            Ok(())
        })
        .await;
}

fn main() {}
