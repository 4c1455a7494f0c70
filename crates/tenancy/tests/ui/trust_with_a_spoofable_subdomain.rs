//! Whoever sends a request chooses its host.

use tenancy::{MemoryStore, Subdomain, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([]))
        .resolve(Subdomain::of("example.com"))
        .trust_resolution()
        .build()
}

fn main() {}
