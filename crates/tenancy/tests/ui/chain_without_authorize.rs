//! Tenant identity is not authorization.

use tenancy::{MemoryStore, Subdomain, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([]))
        .resolve(Subdomain::of("example.com"))
        .build()
}

fn main() {}
