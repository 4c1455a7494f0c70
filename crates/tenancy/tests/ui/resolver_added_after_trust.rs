//! What is trusted is the whole chain, so it is complete by then.

use tenancy::{Claim, Header, MemoryStore, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([]))
        .resolve(Claim::named("tenant"))
        .trust_resolution()
        .resolve(Header::named("x-tenant-id"))
        .build()
}

fn main() {}
