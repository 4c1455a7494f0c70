//! Only `Tenancy` opens scopes.

use tenancy::TenantScope;

fn misuse() -> TenantScope {
    TenantScope {}
}

fn main() {}
