//! The scope can not be kept in a variable outside its closure.

use tenancy::{Error, Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy) {
    let mut kept: Option<&TenantScope> = None;
    let _ = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<(), Error> {
            kept = Some(scope);
            Ok(())
        })
        .await;
}

fn main() {}
