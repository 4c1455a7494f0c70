//! A scope can't be put together by hand: only an admitted request has one.

use tenancy_actix_web::TenantScope;

fn steal(scope: tenancy_core::TenantScope) -> TenantScope {
    TenantScope(scope)
}

fn main() {
    let _ = steal;
}
