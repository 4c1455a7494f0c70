//! A scope is not `Clone`: a handle that may outlive its closure is asked for as a ticket.

use tenancy::TenantScope;

async fn misuse(scope: &TenantScope) -> TenantScope {
    let owned: TenantScope = scope.clone();
    owned
}

fn main() {}
