//! A tenant's file is opened in that tenant's scope alone.

use tenancy::CentralScope;
use tenancy::sqlx::sqlite::SqliteTenants;

async fn misuse(files: SqliteTenants, scope: &CentralScope) {
    let _ = files.acquire(scope).await;
}

fn main() {}
