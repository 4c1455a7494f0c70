//! What `transaction` lends is gone when the closure ends.

use tenancy::TenantScope;
use tenancy::sqlx::Error;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool, scope: &TenantScope) {
    let mut kept = None;
    let _ = pool
        .transaction(scope, async |tx| -> Result<(), Error> {
            kept = Some(tx);
            Ok(())
        })
        .await;
}

fn main() {}
