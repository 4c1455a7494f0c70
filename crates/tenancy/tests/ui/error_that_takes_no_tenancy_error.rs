//! The closure's own error type must be able to say that there was no scope.

use tenancy::{Tenancy, TenantScope};

struct Mine;

async fn misuse(tenancy: Tenancy) -> Result<(), Mine> {
    tenancy
        .run("acme", async |_: &TenantScope| -> Result<(), Mine> {
            Err(Mine)
        })
        .await
}

fn main() {}
