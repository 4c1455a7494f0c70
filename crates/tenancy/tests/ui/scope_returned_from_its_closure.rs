//! The scope that `run` hands out is a borrow: it ends with the closure.

use tenancy::{Error, Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy) {
    let _scope = tenancy
        .run(
            "acme",
            async |scope: &TenantScope| -> Result<&TenantScope, Error> { Ok(scope) },
        )
        .await;
}

fn main() {}
