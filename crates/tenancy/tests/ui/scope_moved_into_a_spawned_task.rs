//! A spawned task may outlive the scope: carry it with `.in_current_scope()`, or take a ticket.

use tenancy::{Error, Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy) {
    let _ = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<(), Error> {
            tokio::spawn(async move { scope.tenant_id().to_string() });
            Ok(())
        })
        .await;
}

fn main() {}
