//! One spoofable resolver makes the whole chain spoofable.

use tenancy::{Claim, MemoryStore, PathSegment, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([]))
        .resolve(PathSegment::after("/t"))
        .resolve(Claim::named("tenant"))
        .trust_resolution()
        .build()
}

fn main() {}
