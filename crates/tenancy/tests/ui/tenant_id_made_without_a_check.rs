//! An id is validated when it is made.

use tenancy::TenantId;

fn misuse() -> TenantId {
    TenantId("../acme".into())
}

fn main() {}
