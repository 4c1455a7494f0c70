//! A membership check answers for an id and a request.

use tenancy::{MemoryStore, Subdomain, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([]))
        .resolve(Subdomain::of("example.com"))
        .authorize(true)
        .build()
}

fn main() {}
