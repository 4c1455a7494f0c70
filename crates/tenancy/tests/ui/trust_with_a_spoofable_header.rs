//! A header can be forged, so the chain can not be trusted.

use tenancy::{Header, MemoryStore, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([]))
        .resolve(Header::named("x-tenant-id"))
        .trust_resolution()
        .build()
}

fn main() {}
